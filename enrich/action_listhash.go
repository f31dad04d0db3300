package enrich

import (
	"context"
	"fmt"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// addHashToBlacklist is the guide's "Add Hash to Blacklist" (§5.8, §5.9).
func addHashToBlacklist() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:          "add_hash_to_blacklist",
			Title:         "Example: SEP - Add Hash to Blacklist",
			Help:          "Adds the hash to a fingerprint list, which is made where there is none of that name: the list's row and a note.",
			On:            incident.OnArtifact,
			ArtifactTypes: []incident.ArtifactType{incident.MD5Hash, incident.SHA256Hash},
			Form:          []incident.InputDef{domainField(), listField()},
			Changes:       true,
		},
		Decide: addHash,
	}
}

// addHash makes the list or edits it, as SEPM has it at that moment. Where
// somebody makes or deletes it meanwhile, SEPM refuses that, and the other is
// done.
func addHash(ctx context.Context, p Plan) (incident.Step, error) {
	hash, err := listHash(p.Subject.Artifact)
	if err != nil {
		return incident.Step{}, err
	}
	if answer := p.done(); answer != nil {
		return p.changed(ctx, answer, hash, true)
	}
	list, domain, err := p.blacklist(ctx)
	var next *incident.Call
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		name := p.listName()
		next = newCall(incident.OpCreateList, incident.Target{}, createBody{
			Name: name, Description: fmt.Sprintf("Fingerprint list '%s'", name), DomainID: domain.ID, Hashes: []string{hash},
		})
	case list.Has(hash):
		return incident.Step{Effects: []incident.Effect{
			{Row: p.listRow(list, domain)},
			p.remark("The hash %s is in the fingerprint list <b>%s</b> of the SEP domain <b>%s</b> already.", hash, list.Name, domain.Name),
		}}, nil
	default:
		next = newCall(incident.OpEditList, incident.Target{Object: list.ID}, editBody{DomainID: domain.ID, Add: []string{hash}})
	}
	return incident.Step{Call: next}, p.refusedBefore(next)
}

// deleteHashFromBlacklist is the guide's "Delete Hash from Blacklist" (§5.9,
// chapter 3).
func deleteHashFromBlacklist() Action {
	return Action{
		ActionDef: incident.ActionDef{
			Name:  "delete_hash_from_blacklist",
			Title: "Example: SEP - Delete Hash from Blacklist",
			Help: "Takes the hash out of a fingerprint list, and deletes the list with its last hash: the list's row and a note. " +
				"A list that is assigned to groups is deleted only with confirm.",
			On:            incident.OnArtifact,
			ArtifactTypes: []incident.ArtifactType{incident.MD5Hash, incident.SHA256Hash},
			Form:          []incident.InputDef{domainField(), listField(), confirmField()},
			Changes:       true,
		},
		Decide: deleteHash,
	}
}

func deleteHash(ctx context.Context, p Plan) (incident.Step, error) {
	hash, err := listHash(p.Subject.Artifact)
	if err != nil {
		return incident.Step{}, err
	}
	if answer := p.done(); answer != nil {
		return p.changed(ctx, answer, hash, false)
	}
	list, domain, err := p.blacklist(ctx)
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		return incident.Step{Effects: []incident.Effect{p.noList(domain)}}, nil
	case !list.Has(hash):
		return incident.Step{Effects: []incident.Effect{
			{Row: p.listRow(list, domain)},
			p.remark("The hash %s is not in the fingerprint list <b>%s</b> of the SEP domain <b>%s</b>.", hash, list.Name, domain.Name),
		}}, nil
	}
	body := editBody{DomainID: domain.ID, Remove: []string{hash}, DeleteEmpty: isLast(list, hash)}
	if body.DeleteEmpty {
		if err := p.mayDelete(ctx, list, domain); err != nil {
			return incident.Step{}, err
		}
	}
	next := newCall(incident.OpEditList, incident.Target{Object: list.ID}, body)
	return incident.Step{Call: next}, p.refusedBefore(next)
}

// changed tells what became of the hash that was added or taken out, by the
// list as it is now.
func (p Plan) changed(ctx context.Context, done *incident.Answer, hash string, added bool) (incident.Step, error) {
	answer, err := decode[listAnswer](done.Body)
	if err != nil {
		return incident.Step{}, err
	}
	if answer.Deleted {
		return incident.Step{Effects: []incident.Effect{
			{Row: deletedRow(answer.ID, p.listName(), p.Now)},
			p.remark("The fingerprint list <b>%s</b> was deleted, since %s was its last hash.", p.listName(), hash),
		}}, nil
	}
	domain, err := domainNamed(ctx, p, p.Input["domain"])
	if err != nil {
		return incident.Step{}, err
	}
	list, err := listByID(ctx, p, answer.ID)
	switch {
	case err != nil:
		return incident.Step{}, err
	case list.ID == "":
		return incident.Step{Effects: []incident.Effect{
			{Row: deletedRow(answer.ID, p.listName(), p.Now)},
			p.remark("The fingerprint list <b>%s</b> was changed, and somebody has deleted it since.", p.listName()),
		}}, nil
	}
	effects := []incident.Effect{{Row: p.listRow(list, domain)}}
	where := "not in"
	if list.Has(hash) {
		where = "in"
	}
	text := markup("")
	switch {
	case list.Has(hash) != added:
		text = " Somebody else has changed the list since: start the action again where that was not meant."
	case answer.Interfered:
		text = " Somebody else has changed the list at the same time: look whether it still has what they wanted."
	}
	return incident.Step{Effects: append(effects, p.remark("The hash %s is now %s the fingerprint list <b>%s</b> of the SEP domain <b>%s</b>, which has %s.%s",
		hash, where, list.Name, domain.Name, contents(list), text))}, nil
}

// isLast reports whether a list has nothing but the hash.
func isLast(l sepclient.FingerprintList, hash string) bool {
	for _, f := range l.Files {
		for _, h := range []string{f.MD5, f.SHA256} {
			if h != "" && !strings.EqualFold(h, hash) {
				return false
			}
		}
	}
	return len(l.Unknown) == 0
}

// listHash is the hash of an artifact as lists have it, in upper case.
func listHash(a *incident.Artifact) (string, error) {
	hash, err := sepclient.ParseFileHash(a.Value)
	switch {
	case err != nil:
		return "", mistake("%s", err)
	case hash.Kind == sepclient.SHA1:
		return "", mistake("%s is a SHA-1 hash: fingerprint lists take MD5 and SHA-256 only", hash.Value)
	}
	return strings.ToUpper(hash.Value), nil
}
