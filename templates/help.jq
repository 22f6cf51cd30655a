# The commands there are, a line each; first what was not understood, if anything was.
{ text: (if .words == "" then t("help_notify"; {}) else t("help_unknown_notify"; {}) end),
  blocks: (
    [ (if .words == "" then rich([line([word(t("help_intro"; {}))])])
       else rich([line([word(t("help_unknown"; {}) + " "), bold(.words)])]) end),
      rich([{type: "rich_text_list", style: "bullet",
             elements: [.verbs[] | line([bold("/securitybot "), word(t("command_" + .; {}))])]}]),
      small(t("help_answers"; {})) ]) }
