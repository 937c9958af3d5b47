"""The tasks of the paper, a user's own data, and where they are found."""

from .load import Task, data_folder, load_task, read_evaluation

__all__ = ["Task", "data_folder", "load_task", "read_evaluation"]
