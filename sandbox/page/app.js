// app: the page's state and its one drawing function. Started by index.html; every other file gets the `app` made here.
// State of the workspace lives in the sandbox; here is only what one visitor sees: who they are, what is open, what
// they read, and which buttons wait for an answer.
import { byId, icon, h } from './dom.js';
import { summary } from './blocks.js';
import { control, deliver, watch } from './link.js';
import { askBack, showViews } from './dialogs.js';
import { startRail, drawRail } from './rail.js';
import { startTalk, drawTalk, showEnd } from './talk.js';
import { startSide, drawSide } from './side.js';

const DIRECT = 'dm'; // the direct message with SecurityBot, also before anybody wrote in it

const app = {
  state: null,
  me: null,
  where: DIRECT,
  tab: 'messages',
  look: null,
  fates: new Map(), // a pressed control → 'busy' or why it failed
  closedViews: new Set(),
  dismissed: new Set(), // ephemeral messages the person put away
  reads: JSON.parse(sessionStorage.getItem('reads') ?? '{}'),

  person: (id) => app.state.people.find((person) => person.id === id),
  people: () => app.state.people.filter((person) => !person.is_bot && !person.deleted),
  bot: () => app.state.people.find((person) => person.is_bot),

  // What `id` sees: the channels it is a member of, and its own direct message.
  channels: (id) => app.state.channels.filter((channel) =>
    (channel.is_im ? channel.user === id : !channel.members || channel.members.includes(id))),
  direct: (id) => app.state.channels.find((channel) => channel.is_im && channel.user === id),
  // Somebody else's conversation with the bot: what a stranger would see who got hold of the screen.
  shoulder: () => (app.where !== DIRECT && app.here()?.is_im ? app.person(app.here().user) : null),
  here: () => (app.where === DIRECT ? app.direct(app.me) : app.state.channels.find((channel) => channel.id === app.where)),
  unread(id, channel) {
    const read = Number(app.reads[id]?.[channel?.id] ?? 0);
    return (channel?.messages ?? []).filter((message) => message.user !== id && Number(message.ts) > read).length;
  },

  go(changes) {
    const { me, where } = app;
    Object.assign(app, changes);
    if (!app.state) return;
    if (!mayLook()) app.where = DIRECT;
    if (app.where !== DIRECT) app.tab = 'messages';
    if (changes.pane) byId('app').dataset.pane = changes.pane;
    history.replaceState(null, '', `#${app.me}/${app.where}`);
    app.render();
    if (me !== app.me) announce(true);
    if (me !== app.me || where !== app.where) showEnd();
  },

  // Somebody pressed a control that stands in `place` (the arguments that say where: channel and ts, or a view).
  async press(element, block, place) {
    if (element.confirm && !(await askBack(element.confirm, app.look))) return;
    const name = app.fateName(element, block, place);
    app.fates.set(name, 'busy');
    app.render();
    try {
      await deliver('click', { user: app.me, ...place, action_id: element.action_id, ...(element.chosen && { value: element.chosen }) });
      app.fates.delete(name);
    } catch (trouble) {
      app.fates.set(name, trouble.message);
    }
    app.render();
  },
  fateName: (element, block, place) => JSON.stringify([app.me, place, block.block_id, element.action_id]),
  fate: (element, block, place) => app.fates.get(app.fateName(element, block, place)),
  // The context in which blocks are drawn, see blocks.js.
  context: (place) => ({
    look: app.look,
    press: (element, block) => app.press(element, block, place),
    fate: (element, block) => app.fate(element, block, place),
  }),

  render() {
    if (!app.state) return;
    const me = app.person(app.me);
    app.look = {
      me: app.me, zone: me?.tz, now: app.state.now_ms,
      person: (id) => app.person(id)?.real_name ?? id,
      channel: (id) => app.state.channels.find((channel) => channel.id === id)?.name,
    };
    markRead();
    drawRail(app);
    drawTalk(app);
    drawSide(app);
    showViews(app);
    const total = app.channels(app.me).reduce((sum, channel) => sum + app.unread(app.me, channel), 0);
    document.title = `${total ? `(${total}) ` : ''}SecurityBot sandbox`;
  },
};

// A channel must be one of the person's; a direct message may be anybody's (then it is a look over a shoulder).
function mayLook() {
  const channel = app.state.channels.find((item) => item.id === app.where);
  if (channel?.is_im) return channel.user !== app.me;
  return app.channels(app.me).some((item) => item.id === app.where);
}

// What stands open before the person's eyes is read.
function markRead() {
  const channel = app.here();
  const last = app.shoulder() ? null : channel?.messages.at(-1);
  const seen = app.tab === 'messages' && byId('messages').offsetParent !== null && !document.hidden;
  if (!last || !seen || app.reads[app.me]?.[channel.id] === last.ts) return;
  (app.reads[app.me] ??= {})[channel.id] = last.ts;
  sessionStorage.setItem('reads', JSON.stringify(app.reads));
}

// Says new and changed messages to screen readers; what was there before is not news.
let heard = null; // message → what it looked like
function announce(anew) {
  const before = anew ? null : heard;
  heard = new Map();
  const lines = [];
  for (const channel of app.channels(app.me)) {
    for (const message of channel.messages) {
      const key = `${channel.id} ${message.ts}`;
      const picture = JSON.stringify([message.text, message.blocks]);
      heard.set(key, picture);
      if (!before || message.user === app.me || before.get(key) === picture) continue;
      const verb = before.has(key) ? ' changed a message' : '';
      lines.push(h('p', {}, `${app.look.person(message.user)}${verb}: ${summary(message, app.look)}`));
    }
  }
  if (lines.length) byId('announce').replaceChildren(...lines.slice(-3));
}

// Fetches the state; what changes while a fetch runs asks for one more, never for two at a time.
let fetching = false;
let again = false;
async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  const state = await control('state').catch(() => null);
  fetching = false;
  byId('offline').hidden = state !== null;
  if (state) {
    app.state = state;
    if (!app.person(app.me)) app.me = app.people()[0]?.id ?? null;
    if (!mayLook()) app.where = DIRECT;
    app.render();
    announce();
  }
  if (again) {
    again = false;
    refresh();
  }
}

// The address says who and where: #PERSON/CONVERSATION, so that a reload or a link comes back to the same place.
function follow() {
  const [me, where] = location.hash.slice(1).split('/');
  app.go({ ...(me && { me }), ...(where && { where }) });
}

function start() {
  follow();
  window.addEventListener('hashchange', follow);
  byId('send').prepend(icon('send'));
  for (const [pane, name] of [['rail', 'people'], ['talk', 'chat'], ['side', 'bell']]) {
    const button = document.querySelector(`#bar [data-pane="${pane}"]`);
    button.prepend(icon(name));
    button.addEventListener('click', () => app.go({ pane }));
  }
  startRail(app);
  startTalk(app);
  startSide(app);
  document.addEventListener('visibilitychange', () => app.render());
  watch(refresh);
  refresh();
}

start();
