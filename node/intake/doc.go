// Package intake is the queue before a node's pipeline, shared out among those who send: nobody fills it for others.
// What one source sends keeps its order; sources take turns. A source whose signatures turn out forged loses most of
// its share for a while. It has no goroutine and no clock of its own.
package intake
