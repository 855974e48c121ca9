// Whether saved photos may help to train the next model: each person is asked once, and may change
// it for each bird.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import * as service from "./service.js";

const note = (who) => `parrot.training ${who}`; // nobody answers for another person

/** What this account's person said: "true", "false", or null if they were not asked yet. */
export function said(who) {
  return localStorage.getItem(note(who));
}

/** Ask again. */
export function forget(who) {
  localStorage.removeItem(note(who));
}

/** Ask below a card where the service wants to know; the answer holds for later photos too. */
export function ask(box, observations) {
  const who = account.key();
  const open = observations.filter((observation) => observation.training === undefined);
  box.hidden = open.length === 0 || said(who) !== null;
  for (const button of box.querySelectorAll("button")) {
    button.onclick = async () => {
      localStorage.setItem(note(who), button.value);
      box.hidden = true;
      for (const { id } of open) await tell(id, button.value === "true");
    };
  }
}

/** Tell the service about one photo; the observation as it is then. */
export async function tell(id, training) {
  return service.change(id, { training }, { headers: await headersOf(account.key()) });
}
