"""Another model's judgement of explanations: what it is asked, and its verdicts, none of them asked for twice."""
