// What the page uses of Firebase's SDK where a deployment asks for App Check.
export { getToken, initializeAppCheck, ReCaptchaEnterpriseProvider } from "@firebase/app-check";
