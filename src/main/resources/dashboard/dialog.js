// Asks before something is done.

import {h, patch} from './dom.js';

/**
 * Shows a question. Gives what was entered, by name, when it was confirmed; else nothing.
 *
 * @param text paragraphs
 * @param fields [{name, label, value?, maxlength?}]
 * @param kind of the button that confirms: 'primary' or 'danger'
 */
export function ask({title, text = [], fields = [], confirm, kind = 'primary'}) {
  const dialog = document.getElementById('dialog');
  return new Promise(resolve => {
    const submit = event => {
      event.preventDefault();
      const values = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()]));
      dialog.onclose = null;
      dialog.close();
      resolve(values);
    };
    dialog.onclose = () => resolve(undefined);
    patch(dialog, [h('form', {method: 'dialog', onsubmit: submit, key: `${title}-${Date.now()}`},
      h('h2', {id: 'dialog-title'}, title),
      text.map(line => h('p', {}, line)),
      fields.map(field => h('label', {}, field.label,
        h('input', {name: field.name, value: field.value ?? '', maxlength: field.maxlength ?? 200, autocomplete: 'off'}))),
      h('div', {class: 'buttons'},
        h('button', {class: kind}, confirm),
        h('button', {type: 'button', onclick: () => dialog.close()}, 'Back')))]);
    dialog.showModal();
  });
}
