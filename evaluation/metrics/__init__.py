"""BLEU, ROUGE-L and BERTScore of answers against what the expert said, each between floor and ceiling."""

NAMES = ("bleu", "rouge_l", "bertscore")
