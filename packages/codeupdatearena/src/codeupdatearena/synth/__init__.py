"""The paper's pipeline that makes updates and problems."""
