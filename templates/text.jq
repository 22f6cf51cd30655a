# Private words: one sentence of ours, by its key.
t(.key; .values) as $say | {text: $say, blocks: [{type: "section", text: {type: "plain_text", text: $say, emoji: false}}]}
