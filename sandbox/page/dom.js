// dom: small helpers to make elements. Used by every other file. Data only ever becomes text nodes and attributes with
// fixed names: nothing here (or elsewhere in the page) parses a string as HTML.

const SVG = 'http://www.w3.org/2000/svg';

// h('p', {class: 'hint', onclick: f, hidden: true}, 'text', node, null, [more]) makes an element. false, null and
// undefined mean "without"; on… is a listener; everything else an attribute.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Words for screen readers only.
export const away = (words) => h('span', { class: 'away' }, words);

const ICONS = {
  shield: 'M12 2.5 20 5.5v6.3c0 4.6-3.2 8-8 9.7-4.8-1.7-8-5.1-8-9.7V5.5zM8.3 11.8l2.7 2.7 4.8-5',
  hash: 'M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4',
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.4a3.5 3.5 0 0 1 0 6.3M18.5 14.5c1.9.9 3 2.9 3 5.5',
  chat: 'M4 5h16v11h-8l-4.5 4v-4H4z',
  send: 'M4 12 20 4.5 15 20l-3.5-6.5z',
  warning: 'M12 4 21.5 20h-19zM12 10v4.5M12 17.2v.3',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

// Brings the children of `parent` to the list `items` and touches only what changed, so that focus, text selection
// and open <details> survive an update. key(item) names an item, stamp(item) says what its picture depends on.
export function sync(parent, items, key, stamp, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const picture = JSON.stringify(stamp(item));
    let node = old.get(name);
    old.delete(name);
    if (!node || node.dataset.stamp !== hash(picture)) {
      const fresh = make(item);
      fresh.dataset.key = name;
      fresh.dataset.stamp = hash(picture);
      if (node) {
        if (at === node) at = node.nextElementSibling;
        swap(node, fresh);
      }
      node = fresh;
    }
    if (at === node) at = node.nextElementSibling;
    else if (node.nextElementSibling !== at || node.parentNode !== parent) parent.insertBefore(node, at);
  }
  for (const node of old.values()) node.remove();
}

// Replaces a node and keeps the focus: on the control of the same name, else on the node itself.
function swap(node, fresh) {
  const active = document.activeElement;
  const inside = node.contains(active);
  const open = node.querySelector('details')?.open ?? false;
  node.replaceWith(fresh);
  const details = fresh.querySelector('details');
  if (details) details.open = open;
  if (!inside) return;
  const name = active.dataset.focus;
  const same = name && [...fresh.querySelectorAll('[data-focus]')].find((control) => control.dataset.focus === name);
  (same || (fresh.matches('[data-focus]') ? fresh : fresh.querySelector('[tabindex="-1"]') ?? fresh)).focus();
}

// Remembers where the focus is; calling the result brings it back, also when the control was drawn anew since.
export function holdFocus() {
  const control = document.activeElement;
  const { focus: name } = control?.dataset ?? {};
  const key = control?.closest?.('[data-key]')?.dataset.key;
  return () => {
    if (control?.isConnected && control !== document.body) return control.focus();
    const row = key && [...document.querySelectorAll('#messages [data-key]')].find((node) => node.dataset.key === key);
    const again = row && [...row.querySelectorAll('[data-focus]')].find((node) => node.dataset.focus === name);
    return (again ?? row ?? byId('messages')).focus();
  };
}

// A short name for a long text (FNV-1a); a clash would only mean one stale picture until the next change.
function hash(text) {
  let sum = 2166136261;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 16777619);
  return (sum >>> 0).toString(36) + text.length.toString(36);
}

// Arrow keys move inside a group, Tab passes it: one tab stop for the whole group.
export function rove(group, selector) {
  group.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const all = [...group.querySelectorAll(selector)];
    const here = all.indexOf(document.activeElement);
    if (here < 0 || (!step && event.key !== 'Home' && event.key !== 'End')) return;
    event.preventDefault();
    let next = (here + (step ?? 0) + all.length) % all.length;
    if (event.key === 'Home') next = 0;
    if (event.key === 'End') next = all.length - 1;
    all[next].focus();
    if (all[next].getAttribute('role') === 'radio' || all[next].getAttribute('role') === 'tab') all[next].click();
  });
}
