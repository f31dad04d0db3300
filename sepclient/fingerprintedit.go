package sepclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxListWrites is how often an edit is written when somebody else writes the
// list, too.
const maxListWrites = 3

// ListEdit is a change of a fingerprint list, by hashes in any case.
type ListEdit struct {
	Add, Remove []string
	// DeleteEmpty deletes a list in which no hash is left. Without it such an
	// edit ends with [ErrLastHash].
	DeleteEmpty bool
}

// ListChange is what an edit has changed.
type ListChange struct {
	// List is the list as it was read after the change.
	List FingerprintList
	// Added and Removed are the hashes, in upper case, that the list did not
	// have before, or had.
	Added, Removed []string
	// Deleted is whether the list was deleted, since no hash was left.
	Deleted bool
	// Interfered is whether somebody else changed the list at the same time.
	// What they wrote over this edit was amended. What this edit wrote over
	// in the moment between reading and writing cannot be seen.
	Interfered bool
}

// EditFingerprintList adds hashes to a list and removes some. All other hashes
// and their pairing stay as they are. Since SEPM replaces lists as a whole,
// edits of one list by this client wait for each other, and the list is read
// before and after.
//
// It may be repeated: a hash that is there already is not added again, and one
// that is not there is not missed. The domain's id may be left out for a list
// of the login's domain. A Conflict is a list that others keep changing.
func (c *Client) EditFingerprintList(ctx context.Context, id, domainID string, edit ListEdit) (ListChange, error) {
	r := FingerprintList{ID: id}.replacement()
	r.op = "edit fingerprint list"
	edit, err := edit.checked()
	if err != nil {
		return ListChange{}, r.fail(Permanent, err.Error(), err)
	}
	unlock, err := c.lockList(ctx, r, id)
	if err != nil {
		return ListChange{}, err
	}
	defer unlock()

	var (
		change  ListChange
		written *FingerprintList
		doubt   error
	)
	for writes := 0; ; writes++ {
		list, err := c.FingerprintList(ctx, id)
		switch {
		case err != nil && doubt != nil:
			return ListChange{}, doubt
		case err != nil && written != nil:
			return ListChange{}, r.fail(Ambiguous, "it was written and could not be read again: "+err.Error(), err)
		case err != nil:
			return ListChange{}, err
		}
		list.DomainID = domainID
		next, added, removed := edit.apply(list)
		if written == nil {
			change.Added, change.Removed = added, removed
		} else if len(added)+len(removed) > 0 || !maps.Equal(list.entries(), written.entries()) {
			change.Interfered = true
		}
		switch {
		case len(added)+len(removed) == 0:
			change.List = list
			return change, nil
		case doubt != nil:
			return ListChange{}, doubt // it may still come to be written
		case next.empty() && !edit.DeleteEmpty:
			return ListChange{}, r.fail(Permanent, ErrLastHash.Error(), ErrLastHash)
		case next.empty():
			change.List, change.Deleted = next, true
			return change, c.deleteList(ctx, id)
		case writes == maxListWrites:
			return ListChange{}, r.fail(Conflict, fmt.Sprintf("somebody else keeps changing the list: the edit was written %d times and is not there", writes), nil)
		}
		if err := pause(ctx, time.Duration(writes)*time.Second); err != nil {
			return ListChange{}, r.fail(Ambiguous, "somebody else changed the list at the same time: "+err.Error(), err)
		}
		err = c.writeList(ctx, r, next)
		var e *Error
		if errors.As(err, &e) && e.Class == Ambiguous {
			doubt = err
		} else if err != nil {
			return ListChange{}, err
		}
		written = &next
	}
}

// checked is the edit with its hashes in upper case, each once.
func (e ListEdit) checked() (ListEdit, error) {
	for _, hashes := range []*[]string{&e.Add, &e.Remove} {
		var all []string
		for _, text := range *hashes {
			_, hash, err := parseListHash(text)
			if err != nil {
				return ListEdit{}, err
			}
			if !slices.Contains(all, hash) {
				all = append(all, hash)
			}
		}
		*hashes = all
	}
	for _, hash := range e.Add {
		if slices.Contains(e.Remove, hash) {
			return ListEdit{}, fmt.Errorf("the hash %s is both to be added and to be removed", hash)
		}
	}
	return e, nil
}

// apply is the list after the edit, and what differs.
func (e ListEdit) apply(l FingerprintList) (next FingerprintList, added, removed []string) {
	there := make(map[string]bool)
	next, next.Files = l, nil
	without := func(hash string) string {
		upper := strings.ToUpper(hash)
		there[upper] = true
		if !slices.Contains(e.Remove, upper) {
			return hash
		}
		return ""
	}
	for _, f := range l.Files {
		if left := (ListedFile{MD5: without(f.MD5), SHA256: without(f.SHA256)}); left != (ListedFile{}) {
			next.Files = append(next.Files, left)
		}
	}
	for _, hash := range e.Remove {
		if there[hash] {
			removed = append(removed, hash)
		}
	}
	for _, hash := range e.Add {
		if !there[hash] {
			kind, _, _ := parseListHash(hash) // it was checked
			added, next.Files = append(added, hash), append(next.Files, fileOf(kind, hash))
		}
	}
	return next, added, removed
}

// entries are the files of a list, in upper case, whatever their order.
func (l FingerprintList) entries() map[ListedFile]bool {
	all := make(map[ListedFile]bool)
	for _, f := range l.Files {
		all[ListedFile{strings.ToUpper(f.MD5), strings.ToUpper(f.SHA256)}] = true
	}
	return all
}

// pause waits for a time, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
