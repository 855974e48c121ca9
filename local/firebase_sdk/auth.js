// What the page uses of Firebase's SDK for signing in; `./dev.sh sdk` bundles it.
export { initializeApp } from "@firebase/app";
export {
  browserPopupRedirectResolver,
  connectAuthEmulator,
  EmailAuthProvider,
  GoogleAuthProvider,
  indexedDBLocalPersistence,
  initializeAuth,
  isSignInWithEmailLink,
  linkWithCredential,
  linkWithPopup,
  onIdTokenChanged,
  sendSignInLinkToEmail,
  signInAnonymously,
  signInWithCredential,
  signOut,
} from "@firebase/auth";
