"""One meaning in many spellings, and names that only look like it."""

import pytest

from fraudlab.proposing.window_spellings import Statistic, read_spelling

HOUR, DAY = 3_600, 86_400
MEAN, COUNT, SUM, SHARE = Statistic.mean, Statistic.count, Statistic.sum, Statistic.share


@pytest.mark.parametrize(
    ("name", "window", "statistic", "amount"),
    [
        ("CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW", 7 * DAY, MEAN, True),
        ("CUSTOMER_ID_NB_TX_1DAY_WINDOW", DAY, COUNT, False),
        ("TERMINAL_ID_RISK_30DAY_WINDOW", 30 * DAY, SHARE, False),
        ("mean_amount_30d", 30 * DAY, MEAN, True),
        ("amt_avg_7", 7 * DAY, MEAN, True),
        ("avgAmount7d", 7 * DAY, MEAN, True),
        ("avgAmtLast7Days", 7 * DAY, MEAN, True),
        ("avg_amount_last_7_days", 7 * DAY, MEAN, True),
        ("amount.mean.24h", 24 * HOUR, MEAN, True),
        ("amount-mean-1h", HOUR, MEAN, True),
        ("mean amount (7 days)", 7 * DAY, MEAN, True),
        ("d30_avg_amount", 30 * DAY, MEAN, True),
        ("avg_amount_days_7", 7 * DAY, MEAN, True),
        ("total_spend_2w", 14 * DAY, SUM, True),
        ("sum_amount_12hrs", 12 * HOUR, SUM, True),
        ("tx_count_15m", 900, COUNT, False),
        ("tx_count_3m", 90 * DAY, COUNT, False),
        ("count_15min", 900, COUNT, False),
        ("n_tx_90s", 90, COUNT, False),
        ("velocity_6h", 6 * HOUR, COUNT, False),
        ("zip_count_4w", 28 * DAY, COUNT, False),
        ("avg_amount_last_month", 30 * DAY, MEAN, True),
        ("weekly_avg_amount", 7 * DAY, MEAN, True),
        ("median_amt_past_year", 365 * DAY, MEAN, True),
        ("mittel_betrag_7_tage", 7 * DAY, MEAN, True),
        ("montant_moyenne_30jours", 30 * DAY, MEAN, True),
        ("total_number_tx_7d", 7 * DAY, COUNT, False),
        ("spend_7d", 7 * DAY, None, True),
        ("Amount", None, None, True),
        ("TX_AMOUNT", None, None, True),
        ("transaction_value", None, None, True),
        ("avg_amount", None, MEAN, True),
        # what only looks like a window
        ("V1", None, None, False),
        ("D15", None, None, False),
        ("C7", None, None, False),
        ("addr1", None, None, False),
        ("card_4", None, None, False),
        ("avg_amount_4711", None, MEAN, True),
        ("iso_8601_day", None, None, False),
        ("hour", None, None, False),
        ("weekday", None, None, False),
        ("hidden_value", None, None, False),
        ("0d", None, None, False),
        ("", None, None, False),
        ("___", None, None, False),
        ("9" * 400 + "d", None, None, False),
    ],
)
def test_a_name_is_read(name: str, window: int | None, statistic: Statistic | None, amount: bool) -> None:
    found = read_spelling(name)
    assert (found.window, found.statistic, found.amount) == (window, statistic, amount)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW", "CUSTOMER_ID_NB_TX_7DAY_WINDOW"),
        ("cardAvgAmount7d", "cardTxCount7d"),
        ("card_mean_amt_last_7_days", "card_num_txn_last_7_days"),
    ],
)
def test_two_statistics_of_one_window_are_of_the_same(one: str, other: str) -> None:
    assert read_spelling(one).rest == read_spelling(other).rest
    assert read_spelling(one).window == read_spelling(other).window


@pytest.mark.parametrize("name", ["account_balance", "oldbalanceOrg", "creditLimit", "income"])
def test_what_an_amount_is_held_against(name: str) -> None:
    assert read_spelling(name).level
