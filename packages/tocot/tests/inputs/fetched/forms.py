"""Writes published forms: text logs, files of outputs, stories by formula."""

import json


def log(answers):
    """A text log; answers are (question, response, prediction, gold)."""
    blocks = [
        f"*************************\n{number}st data\n1_th_sampling\nQ: {question}\nA: {response}\n"
        f"pred_before :  {response[-5:]}\npred_after : {prediction}\npred_list : ['{prediction}']\n"
        f"pred_mode : {prediction}\nGT : {gold}\n*************************\n"
        for number, (question, response, prediction, gold) in enumerate(answers, 1)
    ]
    head = "*****************************\nNamespace(cot_trigger=\"Let's think\", dataset='x')\n"
    return (head + "".join(blocks) + "accuracy : 50.0\n./log/x.json\n").encode()


def outputs(answers, *, cot=False):
    """A file of outputs; answers are (question, prediction, target)."""
    step = " Let's think step by step." if cot else ""
    prompt = f"Do it.\n\nQ: an example\nA:{step} So the answer is x.\n\nQ: "
    rows = [
        {"input": f"{prompt}{question}\nA:{step}", "prediction": prediction, "target": target}
        for question, prediction, target in answers
    ]
    return json.dumps({"canary": "GUID", "outputs": rows}).encode()


def formula(abstract, answer, stories):
    """A formula with its stories, by topic and name."""
    return {"question": [{"<nl>": abstract}], "answer": answer, **stories}
