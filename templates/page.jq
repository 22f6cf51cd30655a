# What the pager shows: the input of the connector's trigger operation, but for its key. Reads the analyst's document.
.inquiry as $q
| .page as $p
| { summary: t("page_summary"; {case: .case.id, priority: .case.priority, title: .case.title, reason: t("reason_" + $p.reason; {})}),
    severity: ({P1: "critical", P2: "high", P3: "medium"}[.case.priority] // "low"),
    source: (if $q == null or $q.subject == "" then .case.source else $q.subject end),
    details: (
      ([.facts[] | {(.k): .v}] | add // {}) # first: no fact's name may hide what is ours
      + { case: .case.id, what: .case.summary, reason: $p.reason }
      + (if $q == null then {} else
          { subject: $q.subject }
          + (if $q.question == "" then {} else {question: $q.question} end)
          + (if $q.answer == "" then {} else {answer: "\($q.answer) (unproven, by Slack button) at \($q.answered)"} end)
          + (if $q.late == "" then {} else {late_answer: "\($q.late) (unproven, by Slack button) at \($q.late_at)"} end)
          + (if $q.comment == "" then {} else {note: $q.comment} end)
          + (if $q.tried == "" then {} else {tried: $q.tried} end) end)
      + (if .case.response == "" then {} else {response: .case.response} end)
      + (if .case.held == "" then {} else {held: .case.held} end) ),
    links: [] }
