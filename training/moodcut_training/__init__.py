"""The model factory: from published weights and labelled data to the files the scorer runs.

Nothing at run time imports it.
"""
