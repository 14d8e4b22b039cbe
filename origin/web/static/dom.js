// Small helpers for the pages.

export const $ = id => document.getElementById(id);

// el makes an element: el('a', {class: 'x', href: '/'}, 'text', otherElement).
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// put writes text only where it changed, so that screen readers are not told twice.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// setState publishes the state of a page, for the stylesheet and for tests.
export function setState(state) {
  if (document.body.dataset.state !== state) document.body.dataset.state = state;
}

export const sleep = ms => new Promise(done => setTimeout(done, ms));

// within is a signal that aborts after ms, or with its parent. (AbortSignal.any and timeout are too young for some phones.)
export function within(ms, parent) {
  const own = new AbortController(), stop = () => own.abort();
  setTimeout(stop, ms);
  parent?.addEventListener('abort', stop, { signal: own.signal });
  if (parent?.aborted) stop();
  return own.signal;
}

// A store that may be forbidden (private windows, strict settings) forgets, and nothing else.
export function recall(key, otherwise = null) {
  try { return localStorage.getItem('tilecast.' + key) ?? otherwise; } catch { return otherwise; }
}

export function remember(key, value) {
  try { localStorage.setItem('tilecast.' + key, value); } catch { /* not remembered */ }
}
