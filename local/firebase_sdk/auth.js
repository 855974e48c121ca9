// What the page uses of Firebase's SDK for signing in; bundled to public/vendor/auth.js.
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
