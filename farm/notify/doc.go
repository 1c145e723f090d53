// Package notify brings a farm's alerts to people: by mail, to chats in the forms of Telegram and Slack, and to
// programs as signed JSON.
//
// A route says who is told of what and when: kinds, places and severity, quiet hours, and for those who are called
// later how long an alert must stand without acknowledgement. What a route is told follows from the farm's notices
// (alerts.jsonl), the acknowledgements (acks.jsonl) and what it was told before (routes.json): Due computes it and
// takes time as an argument. A Courier sends it.
//
// Invariants:
//   - An alert that a route's filter lets through is told to it, also when the watch or the receiver was down
//     meanwhile: what began and ended in between is told as past. What was told of is told once it has ended.
//   - A message is told again after a crash between sending and writing down that it was sent, never lost; its
//     number stays the same.
//   - What waits is one message, however much happened: a storm of alerts is one message of bounded length.
//   - No redirect is followed, answers are read to a bound, and no secret stands in an error or a log.
package notify
