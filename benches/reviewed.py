"""For score_categorisation.py: beside what was proposed when a row came in, what waits when its reviewer comes to it.

    score_categorisation.py ledger.csv --delay 50 --adapter benches/reviewed.py:Reviewed:config=benches/score.json

Proposals and approvals are those of the GraphQL adapter. Before each approval the record is read once more; the last
line tells how many of these proposals were right.
"""

import __main__


class Reviewed(__main__.GraphQLAdapter):
    def __init__(self, config):
        super().__init__(config)
        self.reviewed = self.right = 0

    def learn(self, tx, category):
        look = self.c["poll"]
        waits = self._get(self._call(look, self.saved[tx["id"]]), look["category"])
        self.reviewed += 1
        self.right += waits == category
        super().learn(tx, category)

    def close(self):
        share = 100 * self.right / max(1, self.reviewed)
        print(f"when reviewed: {share:.1f}% right of {self.reviewed} rows")
