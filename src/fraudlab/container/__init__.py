"""The code inside the image: the commands ``process``, ``train`` and ``serve``."""
