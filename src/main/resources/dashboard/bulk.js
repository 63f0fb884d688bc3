// Many messages at once: first how many, then, when you have confirmed it, the change.

import {ask} from './dialog.js';
import {counted, number} from './format.js';

const LIMIT = 10_000;
const WORDS = {
  retry: {title: 'Send again', button: 'Send again', done: 'will be sent again'},
  cancel: {title: 'Cancel', button: 'Cancel them', done: 'are cancelled'},
};

/** What the calls can filter by. */
export const FILTERS = ['status', 'phoneNumber', 'reference', 'error', 'createdFrom', 'createdTo'];

/**
 * @param action 'retry' or 'cancel'
 * @param filter as the call takes it
 */
export async function many(app, action, filter) {
  const words = WORDS[action];
  const path = `api/v1/messages/actions/${action}`;
  const trial = await app.call('POST', path, {body: {...filter, limit: LIMIT, dryRun: true}});
  if (!trial) {
    return;
  }
  if (trial.matched === 0) {
    app.notify('done', 'No message matches any more.');
    return;
  }
  const size = counted(trial.matched, 'message');
  const answer = await ask({
    title: `${words.title}: ${size}${trial.matched >= LIMIT ? ' or more' : ''}?`,
    text: [
      `They are the ones with ${Object.entries(filter).map(([name, value]) => `${name} ${value}`).join(', ')}.`,
      filter.status === 'UNKNOWN' && 'They may have been sent before: their receivers can get them twice.',
      trial.matched >= LIMIT && `One time takes ${number(LIMIT)}, the oldest first.`,
    ].filter(Boolean),
    fields: [{name: 'reason', label: 'Why? It is kept in the log.'}],
    confirm: words.button,
    kind: action === 'cancel' ? 'danger' : 'primary',
  });
  if (answer) {
    const body = {...filter, limit: LIMIT, ...(answer.reason ? {reason: answer.reason} : {})};
    await app.call('POST', path, {body}, done => `${counted(done.changed, 'message')} ${words.done}.`);
  }
}
