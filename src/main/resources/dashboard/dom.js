// A part of the page is described with h(), and patch() changes only what differs from before: a refresh moves neither the
// focus, nor the scroll position, nor a selection. Text becomes text nodes, never HTML.

const SVG = 'http://www.w3.org/2000/svg';
const PROPS = Symbol('props');
const PROPERTIES = new Set(['checked', 'disabled', 'hidden', 'value']);

/**
 * Describes an element. Props are attributes, handlers (onclick), and three of our own: `key` names it among its siblings,
 * `mounted` is called with it once it is there, and `own` leaves its inside to others.
 */
export function h(tag, props, ...children) {
  const shown = children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false && child !== '');
  return {tag, props: props ?? {}, children: shown};
}

/** Makes the children of an element as described. */
export function patch(parent, wanted) {
  const keys = new Set(wanted.map(node => node.props?.key));
  const keyed = new Map();
  for (const child of [...parent.childNodes]) {
    const key = child[PROPS]?.key;
    if (key !== undefined) {
      if (keys.has(key)) {
        keyed.set(key, child);
      } else {
        child.remove();
      }
    }
  }
  let at = parent.firstChild;
  for (const node of wanted) {
    if (node.tag === undefined) {
      const text = String(node);
      if (at?.nodeType === Node.TEXT_NODE) {
        if (at.data !== text) {
          at.data = text;
        }
        at = at.nextSibling;
      } else {
        parent.insertBefore(document.createTextNode(text), at);
      }
      continue;
    }
    const {key} = node.props;
    let element = key === undefined ? at : keyed.get(key);
    keyed.delete(key);
    const fits = element?.[PROPS] && element.localName === node.tag && element[PROPS].key === key;
    if (!fits) {
      element = node.tag === 'svg' || parent.namespaceURI === SVG
        ? document.createElementNS(SVG, node.tag)
        : document.createElement(node.tag);
    }
    if (element === at) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(element, at);
    }
    update(element, node);
    if (!fits) {
      node.props.mounted?.(element);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function update(element, {props, children}) {
  const before = element[PROPS] ?? {};
  element[PROPS] = props;
  for (const name of Object.keys(before)) {
    if (!(name in props)) {
      set(element, name, null);
    }
  }
  if (!props.own) {
    patch(element, children);
  }
  for (const [name, value] of Object.entries(props)) {
    if (before[name] !== value) {
      set(element, name, value);
    }
  }
}

function set(element, name, value) {
  if (name === 'key' || name === 'own' || name === 'mounted') {
    return;
  }
  if (name.startsWith('on')) {
    element[name] = value;
  } else if (PROPERTIES.has(name) && name in element) {
    element[name] = value ?? (name === 'value' ? '' : false);
  } else if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true ? '' : value);
  }
}
