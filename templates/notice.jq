# A direct message that asks nothing: what the playbook wants its subject to know. Outside words stand in rich_text alone.
{ text: t("notice_notify"; {}),
  blocks: [
    rich([line([bold(if .person.name == "" then t("notice_hello_nameless"; {}) else t("notice_hello"; {name: .person.name}) end)])]),
    rich([line([word(.notice.text)])]),
    small(t("notice_foot"; {case: .case.id})) ] }
