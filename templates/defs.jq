# What every template may use. `$ctx.texts` has the words; t(key; values) fills {name}s in. Outside words go through word()
# or bold(): rich_text text elements, where Slack parses nothing.
def t($key; $values):
  ($ctx.texts[$key] // error("no text \($key)")) as $text
  | reduce ($values | keys_unsorted[]) as $name ($text; split("{" + $name + "}") | join($values[$name] | tostring))
  ;
def word($text): {type: "text", text: (if $text == "" then " " else $text end)};
def bold($text): word($text) + {style: {bold: true}};
def line($elements): {type: "rich_text_section", elements: $elements};
def facts($facts): {type: "rich_text_list", style: "bullet", elements: [$facts[] | line([bold(.k + ": "), word(.v)])]};
def rich($parts): {type: "rich_text", elements: $parts};
def small($text): {type: "context", elements: [{type: "plain_text", text: $text, emoji: false}]};
def button($id; $words; $value; $style):
  {type: "button", action_id: $id, text: {type: "plain_text", text: $words, emoji: false}, value: $value}
  + (if $style == null then {} else {style: $style} end);
