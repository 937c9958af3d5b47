"""The programs' side: run by their interpreter, which may lack all but the standard library."""
