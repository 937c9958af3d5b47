"""Errors that are put into right sentences, so that what is wrong and how to mend it is known."""
