"""What a run would send, rent and cost, before anything is sent.

Whoever wants a figure asks here:

* :func:`fraudlab.plan.prices.packaged_prices` and :class:`~fraudlab.plan.prices.PriceList`: a machine's price
  per hour, a volume's per GB and month, where each is from; None where it is not known.
* :func:`fraudlab.plan.costs.usd_of_seconds`: what billed seconds of a job or endpoint cost, also so far.
* :func:`fraudlab.plan.costs.usd_per_month`: what an endpoint costs that stays.
* :func:`fraudlab.plan.costs.dollars`: an amount for people; ``unknown`` where there is none.

What only does arithmetic is apart from what reads files or asks AWS.
"""
