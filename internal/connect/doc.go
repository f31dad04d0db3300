// Package connect says how a connection reaches a server, through a proxy or
// directly, and which certificates that server may show. Every client of ours
// connects by it, whatever it speaks.
package connect
