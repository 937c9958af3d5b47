"""One run, one folder: what a run made there, with which settings, and what is still missing.

```python
key = key_of("lofit tune", settings, model=known_by(settings.model, lm.identity))
with Journal(out, key=key, inputs=[data, *files_of(settings)], overwrite=overwrite) as journal:
    with journal.rows("predictions.jsonl") as rows:
        for example in rows.missing(examples):
            rows.write(predict(example))
    write_json(journal.file("results.json"), results)
```

A killed run loses at most the line it was writing; the same command goes on where it stopped. Other
settings or changed inputs are refused, and nothing is ever deleted or overwritten that the journal
does not name. A command that makes its files in one go says
`with Journal.once(file, command="tocot score") as journal: ...` instead.
"""

from .key import files_of, key_of, known_by
from .rows import RowLog
from .run import Journal

__all__ = ["Journal", "RowLog", "files_of", "key_of", "known_by"]
