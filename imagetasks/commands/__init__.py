"""The commands of the program ``imagetasks`` that are no tasks, one a module, each run by its ``main``.

``main`` takes the words after the command's name and returns the exit code: 0, 1 for what could not be told, or
3 for what the user has to put right. It may raise UserError, which the program prints.
"""
