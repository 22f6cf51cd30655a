# Am I there, and what is open. The counts are for analysts only: nobody else's document has them.
def counts($o):
  [ {k: "held", n: $o.held}, {k: "asking", n: $o.asking}, {k: "claimed", n: $o.claimed}, {k: "no", n: $o.no},
    {k: "silent", n: $o.silent}, {k: "unreachable", n: $o.unreachable}, {k: "unasked", n: $o.unasked} ]
  | map(select(.n > 0));
def cases($o):
  if $o.cases == 0 then [rich([line([word(t("status_no_cases"; {}))])])]
  else
    [ rich([ line([bold(if $o.more then t("status_many_cases"; {n: $o.cases}) else t("status_cases"; {n: $o.cases}) end)]),
             (counts($o) | select(length > 0)
              | {type: "rich_text_list", style: "bullet", elements: [.[] | line([word(t("status_n_" + .k; {n: .n}))])]}) ]),
      rich([line([word(t("status_oldest"; {case: $o.oldest, time: $o.since}))])]) ]
  end;
{ text: t("status_notify"; {}),
  blocks: (
    [rich([line([word(t("status_connected"; {}))])])]
    + (if .analyst then cases(.open) else [] end)
    + [rich([line([word(if .waiting == 0 then t("status_nothing_waits"; {}) else t("status_waiting"; {n: .waiting}) end)])])] ) }
