package enrich

import (
	"time"

	"github.com/sepwatch/sepwatch/sepclient"
)

const (
	// answerAge is how long an answer is given to those who ask again.
	answerAge = time.Minute
	// maxAnswers bounds all answers that are kept, in bytes.
	maxAnswers = 8 << 20
)

// answers are what SEPM answered lately, by key.
type answers struct {
	byKey map[string]*answer
	// inOrder are the same from the oldest to the newest.
	inOrder []*answer
	size    int
}

type answer struct {
	key       string
	computers []sepclient.Computer
	at        time.Time
	size      int
}

func (a *answers) get(key string, now time.Time) (computers []sepclient.Computer, found bool) {
	known := a.byKey[key]
	if known == nil || now.Sub(known.at) >= answerAge {
		return nil, false
	}
	return known.computers, true
}

// put keeps an answer, and drops those that are too old or too many.
func (a *answers) put(key string, computers []sepclient.Computer, now time.Time) {
	if a.byKey == nil {
		a.byKey = make(map[string]*answer)
	}
	fresh := &answer{key, computers, now, sizeOf(key, computers)}
	a.byKey[key] = fresh
	a.inOrder = append(a.inOrder, fresh)
	a.size += fresh.size
	for len(a.inOrder) > 0 && (a.size > maxAnswers || now.Sub(a.inOrder[0].at) >= answerAge) {
		oldest := a.inOrder[0]
		a.inOrder[0], a.inOrder = nil, a.inOrder[1:]
		a.size -= oldest.size
		if a.byKey[oldest.key] == oldest {
			delete(a.byKey, oldest.key)
		}
	}
}

// sizeOf is about how much memory an answer takes.
func sizeOf(key string, computers []sepclient.Computer) int {
	const ofAnswer, ofComputer, ofText = 200, 700, 16
	size := ofAnswer + len(key)
	for _, c := range computers {
		size += ofComputer
		for _, text := range [...]string{
			c.ID, c.HardwareKey, c.Name, c.Description, c.Group.ID, c.Group.Name, c.Group.Domain.ID, c.Group.Domain.Name,
			c.OS, c.OSName, c.OSVersion, c.OSFunction, c.LogonUser, c.LogonDomain, c.AgentVersion, c.Definitions, c.QuarantineDesc,
		} {
			size += len(text)
		}
		for _, texts := range [...][]string{c.IPAddresses, c.MACAddresses} {
			for _, text := range texts {
				size += ofText + len(text)
			}
		}
	}
	return size
}
