import pytest
from tenpapers.testing import write_rows

# What eight claims are about, with words for the answer, a copy of the claim and another sentence.
TOPICS = ("bread", "bridge", "whale", "comet", "violin", "glacier", "orchid", "tunnel")


@pytest.fixture
def made_up(tmp_path):
    """Data of the published form: eight claims with two sentences each, four articles."""
    folder = tmp_path / "data"
    labels = ("Refuted", "Supported")
    claims, web, wice = [], [], []
    for number, topic in enumerate(TOPICS):
        answer = {
            "answer": f"Records of {1900 + number} say that the {topic} was small and cheap.",
            "answer_type": "Extractive",
            "source_url": f"https://records.org/{topic}",
        }
        claims.append(
            {
                "claim_id": number,
                "claim": f"The {topic} is the largest of all.",
                "label": labels[number % 2],
                "questions": [{"question": f"How large is the {topic}?", "answers": [answer]}],
            }
        )
        sentences = [
            f"People say that the {topic} is the largest of all.",
            f"A {topic} was seen in the news this week.",
        ]
        web.append(
            {
                "claim_id": number,
                "passages": [
                    {"sentence": text, "url": f"https://news.org/{topic}"} for text in sentences
                ],
            }
        )
        told = [f"The {topic} number {n} " + "word " * 60 for n in range(3)]
        wice.append(
            {
                "claim": f"The {topic} number 1 is known.",
                "evidence": [f"TITLE: {topic}", *told],
                "supporting_sentences": [[2]],
            }
        )
    write_rows(folder / "averitec_dev_0_399.jsonl.gz", claims)
    write_rows(folder / "averitec_dev_web_evidence_0_399.jsonl.gz", web)
    write_rows(folder / "wice_claim_dev.jsonl.gz", wice)
    return folder


@pytest.fixture
def small(tmp_path, made_up):
    """Settings of a study of the made-up data that takes seconds."""
    file = tmp_path / "small.yaml"
    file.write_text(
        "train_claims: 6\nwice_train_rows: 6\nsynthetic: 0\nbatch: 4\nwice_batch: 4\n"
        "hard_negatives: 2\nrates: [1.0e-3]\nsteps: [2, 4]\ndev_share: 0.34\ndepth: 5\n"
        "teacher_mode: listwise\nteacher_claims: 2\nwindows: 2\nread: [B4, CFR]\ntopk: 1\n"
    )
    return ["--config", file, "--data", made_up]
