// The browser's time zone goes with the first answers. Without this script the first recorded activity tells it.
document.querySelector("input[name=timezone]").value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
