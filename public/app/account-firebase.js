// Firebase Auth: anonymous when something is first saved, upgraded when the person signs in.
// The SDK is loaded when it is needed: not for identifying a bird.

import * as credentials from "./credentials.js";
import { byId, opened } from "./dom.js";
import { errorLine, t } from "./language.js";
import { toast } from "./toast.js";

const KEY = "parrot.account";
const REVIEWER = "parrot.reviewer";
const EMAIL = "parrot.email";
const JOIN = "parrot.join"; // the address whose account the birds here are to join
const TAKEN = new Set([
  "auth/credential-already-in-use",
  "auth/email-already-in-use",
  "auth/account-exists-with-different-credential",
]);
let config = {};
let tell = () => {};
let loading = null;
let sdk = null;
let auth = null;
let attest = null; // gives an App Check token, once the SDK is there

export async function start(settings, changed) {
  config = settings;
  tell = changed;
  credentials.refreshBy(refresh);
  if (config.appCheckSiteKey) {
    credentials.attestBy(attested);
    load().catch(console.warn);
  }
  if (location.search.includes("oobCode=")) finishLink();
}

export function key() {
  return localStorage.getItem(KEY);
}

export function reviewer() {
  return localStorage.getItem(REVIEWER) === key();
}

/** Without a network whoever it was, if anybody. */
export async function ensure() {
  try {
    await load();
    if (!auth.currentUser) await sdk.signInAnonymously(auth);
    await note(auth.currentUser);
  } catch (error) {
    if (key() === null) credentials.failed(error);
  }
  return key();
}

export async function open() {
  try {
    await load();
  } catch {
    toast(errorLine("offline"));
    return;
  }
  draw("start");
  const dialog = byId("signin");
  const on = (selector, action) => {
    dialog.querySelector(selector).onclick = () => attempt(action);
  };
  on(".google", google);
  on(".out", leave);
  dialog.querySelector("form.link").onsubmit = (event) => {
    event.preventDefault();
    attempt(sendLink);
  };
  await opened(dialog);
}

/** The SDK, once; again after a failure. */
function load() {
  loading ??= loaded();
  loading.catch(() => (loading = null));
  return loading;
}

async function loaded() {
  const [module, setup] = await Promise.all([import("../vendor/auth.js"), webSetup()]);
  sdk = module;
  const app = sdk.initializeApp(setup);
  auth = sdk.initializeAuth(app, { persistence: sdk.indexedDBLocalPersistence });
  if (config.authEmulator) {
    sdk.connectAuthEmulator(auth, config.authEmulator, { disableWarnings: true });
  }
  if (config.appCheckSiteKey) await loadAppCheck(app);
  await auth.authStateReady();
  sdk.onIdTokenChanged(auth, note);
}

/** The project's public settings, as Hosting tells them; sign-in pages are on our own host. */
async function webSetup() {
  const response = await fetch("/__/firebase/init.json");
  return { ...(await response.json()), authDomain: location.host };
}

async function loadAppCheck(app) {
  const check = await import("../vendor/app-check.js");
  const provider = new check.ReCaptchaEnterpriseProvider(config.appCheckSiteKey);
  const instance = check.initializeAppCheck(app, { provider, isTokenAutoRefreshEnabled: true });
  attest = async () => (await check.getToken(instance)).token;
}

async function attested() {
  await load();
  return attest();
}

/** Keep who it is, and the token for the service worker, which cannot ask for a new one. */
async function note(user) {
  const before = [key(), reviewer()];
  if (user) {
    const { token, claims } = await user.getIdTokenResult();
    const { expirationTime: expires } = user.toJSON().stsTokenManager; // by this device's clock
    const account = `uid:${user.uid}`;
    await credentials.keep({ account, token, expires });
    localStorage.setItem(KEY, account);
    localStorage.setItem(REVIEWER, claims.reviewer === true ? account : "");
  } else {
    localStorage.removeItem(KEY);
  }
  if (`${[key(), reviewer()]}` !== `${before}`) tell();
}

async function refresh(account) {
  await load();
  if (`uid:${auth.currentUser?.uid}` !== account) return;
  await auth.currentUser.getIdToken(true);
  await note(auth.currentUser);
}

async function attempt(action) {
  const problem = byId("signin").querySelector(".problem");
  problem.hidden = true;
  try {
    await action();
  } catch (error) {
    if (error.code === "auth/popup-closed-by-user") return;
    console.warn(error);
    problem.textContent = errorLine(error.code === "auth/invalid-action-code" ? "link" : "signin");
    problem.hidden = false;
  }
}

async function google() {
  const provider = new sdk.GoogleAuthProvider();
  const user = auth.currentUser ?? (await sdk.signInAnonymously(auth)).user;
  try {
    await sdk.linkWithPopup(user, provider, sdk.browserPopupRedirectResolver);
  } catch (error) {
    const credential = sdk.GoogleAuthProvider.credentialFromError(error);
    if (!TAKEN.has(error.code) || !credential) throw error;
    await move(credential);
  }
  welcome();
}

async function sendLink() {
  const email = byId("signin").querySelector("input").value.trim();
  await send(email);
  draw("sent", email);
}

async function send(email) {
  const url = `${location.origin}/`;
  await sdk.sendSignInLinkToEmail(auth, email, { url, handleCodeInApp: true });
  localStorage.setItem(EMAIL, email);
}

/** The person opened the link of the e-mail. */
async function finishLink() {
  await load();
  const link = location.href;
  if (!sdk.isSignInWithEmailLink(auth, link)) return;
  history.replaceState(null, "", "/");
  const known = localStorage.getItem(EMAIL);
  if (known) {
    await attempt(() => useLink(known, link));
    if (!byId("signin").querySelector(".problem").hidden) await reopen();
    return;
  }
  // Another device, or another browser: the link alone must not be enough.
  draw("confirm");
  const form = byId("signin").querySelector("form.link");
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(() => useLink(form.querySelector("input").value.trim(), link));
  };
  await opened(byId("signin"));
}

function reopen() {
  draw("start");
  byId("signin").querySelector(".problem").hidden = false;
  return opened(byId("signin"));
}

async function useLink(email, link) {
  const credential = sdk.EmailAuthProvider.credentialWithLink(email, link);
  const user = auth.currentUser;
  try {
    if (user && localStorage.getItem(JOIN) !== email) await sdk.linkWithCredential(user, credential);
    else await move(credential);
  } catch (error) {
    if (!TAKEN.has(error.code)) throw error;
    // The address has an account, and asking has used the link up: the next one joins them.
    localStorage.setItem(JOIN, email);
    await send(email);
    draw("again", email);
    if (!byId("signin").open) await opened(byId("signin"));
    return;
  }
  localStorage.removeItem(EMAIL);
  localStorage.removeItem(JOIN);
  welcome();
}

/** The account exists already: what was saved before comes along, as saves of that account. */
async function move(credential) {
  const { carry } = await import("./carry.js");
  const before = key();
  const birds = before ? await carry.load(before) : [];
  await sdk.signInWithCredential(auth, credential);
  await note(auth.currentUser);
  await carry.queue(birds, key());
}

function welcome() {
  note(auth.currentUser);
  byId("signin").close();
  toast(t("account.welcome"));
}

async function leave() {
  await sdk.signOut(auth);
  await credentials.forget();
  byId("signin").close();
}

/** `step`: "start", "sent" (a link to `email`), "again" (another one) or "confirm" (whose link it is). */
function draw(step, email = "") {
  const dialog = byId("signin");
  const part = (selector) => dialog.querySelector(selector);
  const user = auth.currentUser;
  const known = user && !user.isAnonymous;
  const name = user?.email ?? user?.displayName ?? "";
  const words = {
    start: known ? t("account.signedin", { name }) : t("account.signin"),
    sent: t("account.sent", { email }),
    again: t("account.again", { email }),
    confirm: t("account.confirm"),
  };
  part(".words").textContent = words[step];
  part(".google").hidden = known || step !== "start";
  part("form.link").hidden = known || !["start", "confirm"].includes(step);
  part("form.link button").textContent = t(step === "confirm" ? "account.finish" : "account.link");
  part(".out").hidden = !known;
  part(".problem").hidden = true;
}
