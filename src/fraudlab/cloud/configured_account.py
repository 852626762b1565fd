"""Which account a configuration means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fraudlab.aws.account import Account, open_account
from fraudlab.backend_registry import describe

if TYPE_CHECKING:
    from fraudlab.config import RunConfig


def account_of(config: RunConfig) -> Account:
    """The account of ``sagemaker.*``, or the rehearsal's where the configuration rehearses.

    Raises
    ------
    FraudlabError
        Where it cannot be opened.
    """
    if describe(config.backend.kind).rehearsed:
        from fraudlab.backends.rehearsal import account_of_rehearsal

        return account_of_rehearsal(config)
    return open_account(config.sagemaker)
