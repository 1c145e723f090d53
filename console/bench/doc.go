// Package bench measures pages in Chromium, as a person meets them: until the largest thing is painted, on a slow
// processor, on a slow network, and at the second visit. It speaks the browser's own protocol (Chrome DevTools
// Protocol) over one WebSocket, and measures what it is given beside another page in the same run: ratios count, as
// both meet the same machine in the same minute.
package bench
