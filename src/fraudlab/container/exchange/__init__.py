"""Models that come from the official container, and models saved as its ``xgboost-model`` for other programs.

`convert`, `adopt` and `export` are processes of their own. The one that reads a stranger's file may take
little memory and time, and what it leaves is checked by another before it is a model.
"""
