"""Safe, exact access to film and music files through PyAV. Needs the packages ``av`` and ``numpy``.

Nothing is imported here: import the module you need (``sniff``, ``open``, ``audio``, ``frameindex``, ``video``,
``picture``).
"""
