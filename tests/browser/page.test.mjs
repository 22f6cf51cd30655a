// page.test: whole inquiries, clicked through the sandbox's page in a real browser against the real bot. Each story is
// something a person does and what that person then reads. Ends with "N passed, N failed".
// Usage: node page.test.mjs [BUILD-FOLDER]
import assert from 'node:assert/strict';
import path from 'node:path';
import { DESK, PHONE, TREE, Tally, Visitor, open, says } from './kit.mjs';

const CONSOLE_OPENED = 'Okta admin console opened from a new device';
const NO_PATIENCE = 'A question that waits five seconds only';
const YES = says('button_yes');
const NO = says('button_no');

const BOT_TOKEN = 'xoxb-T0SANDBOX-secret';

const WILD_TEXT = 'for <@U0HOMER01> *bold* 2*3*4 &lt;img src=x onerror=alert(1)&gt; <https://example.com/a?b=c&amp;d|a link> '
  + '<javascript:alert(1)|no link> <!date^86400^{date_long}|fallback> `code *x*`';
const words = (text) => ({ type: 'rich_text_section', elements: [{ type: 'text', text }] });
const plain = (text) => ({ type: 'plain_text', text });
const ALL_BLOCKS = [
  { type: 'header', text: plain('A heading') },
  { type: 'section', fields: [plain('first field'), { type: 'mrkdwn', text: '*second* field' }] },
  { type: 'rich_text', elements: [words('<!channel> *stays* :tada:'),
    { type: 'rich_text_list', style: 'ordered', elements: [words('in the list')] },
    { type: 'rich_text_quote', elements: words('quoted').elements },
    { type: 'rich_text_preformatted', elements: words('preformatted').elements }] },
  { type: 'divider' },
  { type: 'image', image_url: 'https://example.com/map.png', alt_text: 'a map' },
  { type: 'actions', elements: [{
    type: 'button', action_id: 'careful', text: plain('Careful'), style: 'danger', value: 'x',
    confirm: { title: plain('Really?'), text: plain('It cannot be undone.'), confirm: plain('Do it'), deny: plain('Leave it') },
  }] },
  { type: 'context', elements: [plain('small print')] },
];

const desk = await open(path.resolve(TREE, process.argv[2] ?? 'build'));
const tally = new Tally();

// A story with one visitor; its console must stay silent.
const story = (name, size, run, options) => tally.story(name, async () => {
  const visitor = await Visitor.come(desk, size, options);
  let done = false;
  try {
    await run(visitor);
    done = true;
  } finally {
    await visitor.leave().catch((trouble) => { if (done) throw trouble; });
  }
});

await story('an empty workspace says what to do', DESK, async (v) => {
  await v.be('Gus Guest');
  await v.read(/Send an alert from the shelf/);
  await v.axe('empty');
  await v.page.getByRole('button', { name: 'Go to the shelf' }).click();
  assert.equal(await v.page.evaluate('document.activeElement.id'), 'shelf-title');
});

await story('a stranger cannot answer for somebody else', DESK, async (v) => {
  await v.send(CONSOLE_OPENED, 'homer.simpson@duff.example');
  await v.be('Eve Stranger');
  await v.page.getByText('Over a shoulder').click();
  await v.page.locator('#others').getByRole('button', { name: 'Homer Simpson' }).click();
  await v.press(YES);
  await v.read(says('stranger'));
  await v.read('Only visible to you');
  await v.axe('stranger');
  await v.shoot('stranger');
  await v.be('Homer Simpson');
  assert.equal(await v.messages.getByText(says('stranger')).count(), 0, 'only the stranger reads it');
  await v.messages.getByRole('button', { name: YES }).last().waitFor();
});

await story('yes: the question, the answer, and what the analysts see', DESK, async (v) => {
  await v.be('Alice Archer');
  await v.send(CONSOLE_OPENED, 'alice@duff.example');
  await v.read(/Hi Alice/);
  await v.read('*kitchen* laptop :tada:'); // an outsider's words stay words
  assert.equal(await v.messages.locator('.mention').count(), 0, 'nothing from outside becomes a mention');
  await v.axe('question');
  await v.press(YES);
  await v.dialog.getByText(says('modal_intro_yes')).waitFor();
  await v.dialog.getByRole('button', { name: says('modal_close') }).click();
  await v.dialog.waitFor({ state: 'detached' });
  await v.read(says('you_said_yes'));
  await v.page.locator('#announce').getByText(says('notify_yes')).waitFor({ state: 'attached' }); // a screen reader hears it
  assert.equal(await v.messages.getByRole('button', { name: YES }).count(), 0, 'the question is answered');
  await v.axe('yes');
  await v.shoot('yes');
  await v.openChannel('security-alerts');
  await v.read(says('card_yes_unproven'));
});

await story('no: the pager rings, and a note reaches the analysts', DESK, async (v) => {
  await v.be('Mona Marsh');
  await v.send(CONSOLE_OPENED, 'mona@duff.example');
  await v.press(NO);
  await v.dialog.getByText(says('modal_intro_no')).waitFor();
  await v.pager.getByText(says('reason_answered-no')).first().waitFor();
  await v.axe('modal');
  const note = v.dialog.getByRole('textbox');
  assert.ok(await note.evaluate((box) => box === document.activeElement), 'the box has the focus');
  await note.fill('I have been on a plane since this morning.');
  await v.shoot('modal');
  await v.dialog.getByRole('button', { name: says('modal_submit') }).click();
  await v.dialog.waitFor({ state: 'detached' });
  await v.read(says('you_said_no'));
  await v.read(/on a plane/);
  await v.read(says('page_confirmed'));
  await v.pager.getByText('What the on-call reads').first().click();
  await v.axe('no');
  await v.shoot('no');
  await v.be('Dana Dial');
  await v.openChannel('security-alerts');
  await v.read(/on a plane/);
  await v.read(says('thread_page_confirmed'));
  await v.axe('thread');
  await v.shoot('thread');
});

await story('silence: nobody answers, the pager rings', DESK, async (v) => {
  await v.be('Bob Barker');
  await v.send(NO_PATIENCE, 'bob@duff.example');
  await v.read(/coffee machine just now/);
  await v.pager.getByText(says('reason_silence')).first().waitFor();
  await v.read(says('silent_sorry'));
  await v.read(says('page_confirmed'));
  await v.axe('silence');
  await v.shoot('silence');
});

// What the bot may send and templates do not use yet: every kind of block, by its own token.
await story('blocks and marks are drawn, and outside words stay words', DESK, async (v) => {
  const api = async (method, args) => {
    const answer = await (await fetch(`${v.desk.url}api/${method}`, {
      method: 'POST', body: JSON.stringify(args),
      headers: { 'Content-Type': 'application/json; charset=utf-8', Authorization: `Bearer ${BOT_TOKEN}` },
    })).json();
    assert.ok(answer.ok, `${method}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const { channel: { id: channel } } = await api('conversations.open', { users: 'U0GUS0001' });
  const { ts } = await api('chat.postMessage', { channel, text: 'plain first words' });
  await v.be('Gus Guest');
  await v.read('plain first words');
  await api('chat.update', { channel, ts, text: WILD_TEXT });
  await v.read('(edited)');
  await v.read('<img src=x onerror=alert(1)>');
  const bold = v.messages.locator('strong', { hasText: 'bold' });
  assert.equal(await bold.count(), 1);
  assert.equal(await v.messages.locator('img, script').count(), 0, 'nothing is fetched or run');
  assert.deepEqual(await v.messages.locator('a').evaluateAll((all) => all.map((a) => a.getAttribute('href'))), ['https://example.com/a?b=c&d']);
  await v.read('@Homer Simpson');
  await v.page.locator('#announce').getByText('for @Homer Simpson bold').waitFor({ state: 'attached' });
  await v.read(/1970/); // a date in the reader's zone
  await api('chat.update', { channel, ts, text: 'blocks', blocks: ALL_BLOCKS });
  for (const words of ['A heading', 'first field', '<!channel> *stays* :tada:', 'in the list', 'quoted', 'preformatted', 'Picture: a map', 'small print'])
    await v.read(words);
  await v.axe('blocks');
  await v.press('Careful');
  await v.dialog.getByText('Really?').waitFor();
  await v.axe('are you sure');
  await v.page.keyboard.press('Escape');
  await v.dialog.waitFor({ state: 'detached' });
  assert.equal(await v.page.evaluate('document.activeElement.textContent'), 'Careful', 'the focus is back on the button');
});

await story('words typed to the bot and the command are answered', DESK, async (v) => {
  await v.be('Gus Guest');
  await v.page.getByLabel('Message', { exact: true }).fill('hello there');
  await v.page.keyboard.press('Enter');
  await v.read('hello there');
  await v.page.locator('#slash').click();
  await v.page.keyboard.type('help');
  await v.page.keyboard.press('Enter');
  await v.read(says('help_intro'));
  await v.read('Only visible to you');
  await v.openChannel('general');
  await v.page.getByLabel('Message', { exact: true }).fill('good morning');
  await v.page.keyboard.press('Enter');
  await v.read('good morning');
  await v.page.getByLabel('Message', { exact: true }).fill('/other');
  await v.page.keyboard.press('Enter');
  await v.page.getByText('/other is not a command here').waitFor();
  await v.axe('typed');
});

await story('a phone: one pane at a time, the whole inquiry', PHONE, async (v) => {
  await v.be('Dana Dial');
  await v.axe('phone, empty');
  await v.send(CONSOLE_OPENED, 'dana@duff.example');
  await v.read(/Hi Dana/);
  await v.axe('phone, question');
  await v.shoot('phone');
  const wide = await v.page.evaluate('document.documentElement.scrollWidth');
  assert.ok(wide <= PHONE.width, `no sideways scrolling (${wide})`);
  await v.press(NO);
  await v.dialog.getByText(says('modal_intro_no')).waitFor();
  await v.axe('phone, modal');
  await v.dialog.getByRole('button', { name: says('modal_close') }).click();
  await v.read(says('you_said_no'));
  for (const pane of ['rail', 'side']) {
    await v.pane(pane);
    await v.axe(`phone, ${pane}`);
  }
  await v.pager.getByText(says('reason_answered-no')).first().waitFor();
});

await story('dark and by keyboard alone', DESK, async (v) => {
  await v.page.locator('#people [tabindex="0"]').focus();
  await v.page.keyboard.press('End');
  assert.match(await v.page.evaluate('document.activeElement.textContent'), /Gus Guest/);
  await v.page.keyboard.press('Home');
  await v.axe('dark');
}, { colorScheme: 'dark' });

await story('a bot that does not answer: the warning beside the button', DESK, async (v) => {
  await v.be('Homer Simpson');
  await v.desk.control('fault', { where: 'socket', kind: 'half_open', count: 1 });
  await v.press(YES);
  await v.messages.locator('.failed').waitFor();
  await v.axe('failed');
  await v.desk.control('heal');
});

if (tally.failed) console.log(`\nthe bot's log ends:\n${desk.log()}`);
await desk.close();
tally.end();
