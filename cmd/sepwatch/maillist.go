package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/ledger"
	"github.com/sepwatch/sepwatch/parse"
)

func newMailList() *cobra.Command {
	var flags listing
	var within span
	var status, kind string
	var filter ledger.MailFilter
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List mails, the newest first",
		Long: `List the mails that came to the ledger, the newest first, and what became of
them:

  received     not read yet
  parsed       read, with all its events
  partial      read, but for something that mail show names
  unparsed     an alert whose text was not understood; it became an incident
  ignored      no alert; the reason names the rule
  rejected     an alert of a sender who is not trusted
  quarantined  it could not be read
  duplicate    the same message stands at another place in a mailbox

Filters add up. Where standard output is a terminal, long cells are cut to its
width; elsewhere, and with --json, everything is whole.`,
		Example: `  sepwatch mail list -c sepwatch.yaml --since 24h
  sepwatch mail list -c sepwatch.yaml --status quarantined --all
  sepwatch mail list -c sepwatch.yaml --json --subject outbreak | jq '.[].id'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if filter.Status, err = oneOf("status", status, ledger.MailStatuses()); err != nil {
				return err
			}
			if filter.Kind, err = oneOf("kind", kind, parse.Kinds()); err != nil {
				return err
			}
			if filter.Since, filter.Until, err = within.read(time.Now()); err != nil {
				return err
			}
			return list(cmd, flags, mailColumns(), func(tx ledger.Tx, page ledger.Page) ([]mailLine, error) {
				if err := knownMailbox(tx, filter.Mailbox); err != nil {
					return nil, err
				}
				mails, err := tx.ListMails(filter, page)
				lines := make([]mailLine, len(mails))
				for i, m := range mails {
					lines[i] = newMailLine(m)
				}
				return lines, err
			})
		},
	}
	flags.flags(cmd)
	within.flags(cmd, "received")
	cmd.Flags().StringVar(&status, "status", "", "only those of this `STATUS`, one of the above")
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this `KIND`, such as single_risk")
	cmd.Flags().StringVar(&filter.Mailbox, "mailbox", "", "only those of the mailbox with this `NAME`")
	cmd.Flags().StringVar(&filter.From, "from", "", "only those with this `TEXT` in the sender's address, in upper or lower case")
	cmd.Flags().StringVar(&filter.Subject, "subject", "", "only those with this `TEXT` in the subject, in upper or lower case")
	return cmd
}

// knownMailbox refuses the name of a mailbox that was never watched.
func knownMailbox(tx ledger.Tx, name string) error {
	if name == "" {
		return nil
	}
	names, err := tx.MailboxNames()
	switch {
	case err != nil || slices.Contains(names, name):
		return err
	case len(names) == 0:
		return usageError{fmt.Errorf("--mailbox %q: no mailbox was watched yet", name)}
	}
	return usageError{fmt.Errorf("--mailbox %q: write %s", name, config.OneOf(name, names))}
}
