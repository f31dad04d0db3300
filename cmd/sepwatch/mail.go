package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/ledger"
)

func newMail() *cobra.Command {
	return newGroup("mail", "Look at the mails in the ledger", newMailList(), newMailShow())
}

// mailLine is a mail in the output of `sepwatch mail list --json`. Like all
// JSON of these commands it is stable: fields are added, and none is renamed
// or taken away; every field is always there.
type mailLine struct {
	ID      int64  `json:"id"`
	Mailbox string `json:"mailbox"`
	// UIDValidity and UID are the mailbox server's.
	UIDValidity uint32 `json:"uid_validity"`
	UID         uint32 `json:"uid"`
	MessageID   string `json:"message_id"`
	// SHA256 is the hex digest of the raw bytes, of which there are Size.
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// InternalDate is when it came to the mailbox, null where the server did
	// not say; Received is when it came to the ledger.
	InternalDate *time.Time `json:"internal_date"`
	Received     time.Time  `json:"received"`
	// Status is received, parsed, partial, unparsed, ignored, rejected,
	// quarantined or duplicate; Reason explains the last four.
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Kind    string `json:"kind"` // empty before it was read
	Subject string `json:"subject"`
	From    string `json:"from"` // the address alone
}

func newMailLine(m ledger.Mail) mailLine {
	return mailLine{
		ID: m.ID, Mailbox: m.Mailbox, UIDValidity: m.UIDValidity, UID: m.UID, MessageID: m.MessageID,
		SHA256: m.SHA256, Size: m.Size, InternalDate: optional(m.InternalDate), Received: m.Received,
		Status: string(m.Status), Reason: m.Reason, Kind: string(m.Kind), Subject: m.Subject, From: m.From,
	}
}

var _ entry = mailLine{}

func (m mailLine) id() int64 { return m.ID }

func (m mailLine) cells() []string {
	subject := m.Subject
	if subject == "" {
		subject = m.Reason // it was not read
	}
	return []string{number(m.ID), local(m.Received), m.Mailbox, m.Status, m.Kind, m.From, subject}
}

func mailColumns() []column {
	return []column{
		{title: "ID", right: true}, {title: "RECEIVED"}, {title: "MAILBOX", rank: 3, least: 8}, {title: "STATUS"},
		{title: "KIND", rank: 2}, {title: "FROM", rank: 4, least: 8}, {title: "SUBJECT", rank: 1, least: 16},
	}
}
