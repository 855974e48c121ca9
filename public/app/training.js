// Whether saved photos may help to train the next model: asked once, and changed for each bird.

import * as account from "./account.js";
import { headersOf } from "./credentials.js";
import * as service from "./service.js";

const NOTE = "parrot.training";

/** What the person said: "true", "false", or null if they were not asked yet. */
export function said() {
  return localStorage.getItem(NOTE);
}

/** Ask below a card where the service wants to know; the answer holds for later photos too. */
export function ask(box, observations) {
  const open = observations.filter((observation) => observation.training === undefined);
  box.hidden = open.length === 0 || said() !== null;
  for (const button of box.querySelectorAll("button")) {
    button.onclick = async () => {
      localStorage.setItem(NOTE, button.value);
      box.hidden = true;
      for (const { id } of open) await tell(id, button.value === "true");
    };
  }
}

/** Tell the service about one photo; the observation as it is then. */
export async function tell(id, training) {
  return service.change(id, { training }, { headers: await headersOf(account.key()) });
}
