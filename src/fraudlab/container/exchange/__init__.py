"""Models that come from the official container, and models that go where its ``xgboost-model`` is expected.

`convert`, `adopt` and `export` are processes of their own. The one that reads a stranger's file may take
little memory and time, and what it leaves is checked by another before it is a model.
"""
