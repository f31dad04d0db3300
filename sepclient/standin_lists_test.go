package sepclient_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// listVariants are what the contract leaves open of fingerprint lists (A12,
// D6.4, D6.11).
var listVariants = map[string]variant{
	"no v2":       func(o *sepm.Options) { o.NoV2 = true },
	"try v2 404":  func(o *sepm.Options) { o.TryV2Status = 404 },
	"try v2 409":  func(o *sepm.Options) { o.TryV2Status = 409 },
	"try v2 422":  func(o *sepm.Options) { o.TryV2Status = 422 },
	"try v2 500":  func(o *sepm.Options) { o.TryV2Status = 500 },
	"empty lists": func(o *sepm.Options) { o.EmptyLists = true },
	"no lag":      func(o *sepm.Options) { o.DeleteLag = -1 },
	"html errors": func(o *sepm.Options) { o.HTMLErrors = true },
	"two domains": twoDomains,
}

// hasV2 is whether a SEPM has the second version of lists.
func hasV2(o sepm.Options) bool { return o.Release != sepm.V142 && !o.NoV2 }

// held is the list as the stand-in has it.
func (b *bench) held(t *testing.T, id string) sepm.List {
	t.Helper()
	for _, l := range b.sepm.Lists() {
		if l.ID == id {
			return l
		}
	}
	t.Fatalf("the stand-in has no list %s", id)
	return sepm.List{}
}

func files(hashes []sepm.Hashes) []sepclient.ListedFile {
	return mapped(hashes, func(h sepm.Hashes) sepclient.ListedFile { return sepclient.ListedFile(h) })
}

// inLowerCase are hashes as SEPM takes them too; it keeps them in upper case.
func inLowerCase(hashes []sepm.Hashes) []sepm.Hashes {
	return mapped(hashes, func(h sepm.Hashes) sepm.Hashes {
		return sepm.Hashes{MD5: strings.ToLower(h.MD5), SHA256: strings.ToLower(h.SHA256)}
	})
}

// requireList compares a list with the stand-in's.
func requireList(t *testing.T, b *bench, got sepclient.FingerprintList) {
	t.Helper()
	want := b.held(t, got.ID)
	require.Equal(t, []string{want.Name, want.Description, want.Source}, []string{got.Name, got.Description, got.Source})
	require.ElementsMatch(t, want.Groups, got.GroupIDs)
	require.Empty(t, got.Unknown)
	require.Equal(t, files(want.Hashes), append([]sepclient.ListedFile{}, got.Files...))
}

// TestStandInKeepsLists: a list of one kind of hash, from when it is made to
// when it is gone. Every SEPM has those.
func TestStandInKeepsLists(t *testing.T) {
	t.Parallel()
	inEach(t, listVariants, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		for kind, entry := range map[string]func(content string) sepm.Hashes{
			"MD5":     func(content string) sepm.Hashes { return sepm.Hashes{MD5: md5Of(content)} },
			"SHA-256": func(content string) sepm.Hashes { return sepm.Hashes{SHA256: sha256Of(content)} },
		} {
			text := func(content string) string { h := entry(content); return h.MD5 + h.SHA256 }
			made := sepclient.FingerprintList{
				Name: `Bad "` + kind + `" & more`, Description: "Zoë's", Files: files(inLowerCase([]sepm.Hashes{entry("a"), entry("b")})),
			}
			listID, err := b.client.CreateFingerprintList(t.Context(), made)
			require.NoError(t, err)
			require.Equal(t, sepm.List{
				ID: listID, Name: made.Name, Description: made.Description, Source: "WEBSERVICE",
				Domain: sepm.Domain{ID: sepm.DefaultDomainID, Name: "Default"}, Hashes: []sepm.Hashes{entry("a"), entry("b")},
			}, b.held(t, listID))
			_, err = b.client.CreateFingerprintList(t.Context(), made)
			require.ErrorIs(t, err, sepclient.ErrConflict)

			byID, err := b.client.FingerprintList(t.Context(), listID)
			require.NoError(t, err)
			requireList(t, b, byID)
			byName, err := b.client.FingerprintListByName(t.Context(), made.Name, "")
			require.NoError(t, err)
			require.Equal(t, byID, byName)

			change, err := b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{
				Add: []string{strings.ToLower(text("c")), text("a")}, Remove: []string{strings.ToLower(text("b")), text("z")},
			})
			require.NoError(t, err)
			require.Equal(t, [2][]string{{text("c")}, {text("b")}}, [2][]string{change.Added, change.Removed})
			require.Equal(t, []sepm.Hashes{entry("a"), entry("c")}, b.held(t, listID).Hashes)
			require.Equal(t, made.Description, b.held(t, listID).Description)
			requireList(t, b, change.List)

			byID.Name, byID.Files = made.Name+"!", files([]sepm.Hashes{entry("d")})
			require.NoError(t, b.client.ReplaceFingerprintList(t.Context(), byID))
			require.Equal(t, []sepm.Hashes{entry("d")}, b.held(t, listID).Hashes)
			require.Equal(t, made.Name+"!", b.held(t, listID).Name)

			_, err = b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{Remove: []string{text("d")}})
			require.ErrorIs(t, err, sepclient.ErrLastHash)
			require.Equal(t, []sepm.Hashes{entry("d")}, b.held(t, listID).Hashes)
			change, err = b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{Remove: []string{text("d")}, DeleteEmpty: true})
			require.NoError(t, err)
			require.True(t, change.Deleted)
			require.Empty(t, b.sepm.Lists())

			// For a moment SEPM still shows it; it cannot be changed any more.
			_, err = b.client.FingerprintList(t.Context(), listID)
			require.Equal(t, o.DeleteLag < 0, err != nil, "%v", err)
			_, err = b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{Add: []string{text("e")}})
			require.ErrorIs(t, err, sepclient.ErrNotFound)
			b.clock.advance(2 * time.Second)
			_, err = b.client.FingerprintList(t.Context(), listID)
			require.ErrorIs(t, err, sepclient.ErrNotFound)
			require.ErrorIs(t, b.client.DeleteFingerprintList(t.Context(), listID), sepclient.ErrNotFound)
		}

		// A list that somebody has made without hashes is filled.
		empty := b.sepm.AddList(sepm.List{Name: "empty"})
		got, err := b.client.FingerprintList(t.Context(), empty)
		require.NoError(t, err)
		requireList(t, b, got)
		_, err = b.client.EditFingerprintList(t.Context(), empty, "", sepclient.ListEdit{Add: []string{sha256Of("a")}})
		require.NoError(t, err)
		require.Equal(t, []sepm.Hashes{{SHA256: sha256Of("a")}}, b.held(t, empty).Hashes)
		_, err = b.client.CreateFingerprintList(t.Context(), sepclient.FingerprintList{Name: "nothing"})
		require.ErrorIs(t, err, sepclient.ErrLastHash)
	})
}

// TestStandInKeepsMixedLists: a list of both kinds of hash takes v2 of the API.
// Where there is none the error says so: the list is not "not found".
func TestStandInKeepsMixedLists(t *testing.T) {
	t.Parallel()
	inEach(t, listVariants, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		mixed := []sepm.Hashes{{MD5: md5Of("a"), SHA256: sha256Of("a")}, {MD5: md5Of("b")}, {SHA256: sha256Of("c")}}
		plain := []sepm.Hashes{{MD5: md5Of("a")}}
		listID := b.sepm.AddList(sepm.List{Name: "mixed", Hashes: mixed})
		plainID := b.sepm.AddList(sepm.List{Name: "plain", Hashes: plain})
		add := sepclient.ListEdit{Add: []string{sha256Of("d")}}
		if !hasV2(o) && !o.HTMLErrors {
			for name, call := range map[string]func() error{
				"read":    func() error { _, err := b.client.FingerprintList(t.Context(), listID); return err },
				"by name": func() error { _, err := b.client.FingerprintListByName(t.Context(), "mixed", ""); return err },
				"edit":    func() error { _, err := b.client.EditFingerprintList(t.Context(), listID, "", add); return err },
				"mix":     func() error { _, err := b.client.EditFingerprintList(t.Context(), plainID, "", add); return err },
				"replace": func() error {
					return b.client.ReplaceFingerprintList(t.Context(), sepclient.FingerprintList{ID: listID, Name: "mixed", Files: files(mixed)})
				},
				"with one kind": func() error {
					return b.client.ReplaceFingerprintList(t.Context(), sepclient.FingerprintList{ID: listID, Name: "mixed", Files: files(plain)})
				},
				"create": func() error {
					_, err := b.client.CreateFingerprintList(t.Context(), sepclient.FingerprintList{ID: id("9"), Name: "new", Files: files(mixed)})
					return err
				},
			} {
				err := call()
				requireClass(t, sepclient.Permanent, err)
				require.NotErrorIs(t, err, sepclient.ErrNotFound, name)
				require.ErrorContains(t, err, "no lists that mix MD5 and SHA-256", name)
			}
			missing := sepclient.FingerprintList{ID: id("9"), Name: "none", Files: files(mixed)}
			require.ErrorIs(t, b.client.ReplaceFingerprintList(t.Context(), missing), sepclient.ErrNotFound)
			require.Equal(t, mixed, b.held(t, listID).Hashes)
			require.Equal(t, plain, b.held(t, plainID).Hashes)
			require.Len(t, b.sepm.Lists(), 2)
		}
		if hasV2(o) {
			got, err := b.client.FingerprintList(t.Context(), listID)
			require.NoError(t, err)
			requireList(t, b, got)
			byName, err := b.client.FingerprintListByName(t.Context(), "mixed", "")
			require.NoError(t, err)
			require.Equal(t, got, byName)
			change, err := b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{
				Add: []string{sha256Of("d"), md5Of("a")}, Remove: []string{strings.ToLower(sha256Of("a")), md5Of("b")},
			})
			require.NoError(t, err)
			require.Equal(t, [2][]string{{sha256Of("d")}, {sha256Of("a"), md5Of("b")}}, [2][]string{change.Added, change.Removed})
			require.Equal(t, []sepm.Hashes{{MD5: md5Of("a")}, {SHA256: sha256Of("c")}, {SHA256: sha256Of("d")}}, b.held(t, listID).Hashes)
			requireList(t, b, change.List)

			_, err = b.client.EditFingerprintList(t.Context(), plainID, "", add)
			require.NoError(t, err)
			require.Equal(t, []sepm.Hashes{{MD5: md5Of("a")}, {SHA256: sha256Of("d")}}, b.held(t, plainID).Hashes)
			require.NoError(t, b.client.ReplaceFingerprintList(t.Context(), sepclient.FingerprintList{ID: plainID, Name: "plain", Files: files(plain)}))
			require.Equal(t, plain, b.held(t, plainID).Hashes)
			madeID, err := b.client.CreateFingerprintList(t.Context(), sepclient.FingerprintList{Name: "new", Files: files(inLowerCase(mixed))})
			require.NoError(t, err)
			require.Equal(t, mixed, b.held(t, madeID).Hashes)
			require.NoError(t, b.client.DeleteFingerprintList(t.Context(), madeID))
		}
		require.NoError(t, b.client.DeleteFingerprintList(t.Context(), listID))
		require.NoError(t, b.client.DeleteFingerprintList(t.Context(), plainID))
		require.Empty(t, b.sepm.Lists())
	})
}

// fn_sep leaves a domain out that it does not know, and so works in another.
func TestPartC33AnUnknownDomainIsNotLeftOut(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"domain by name": func(o *sepm.Options) { o.DomainByName = true },
		"no v2":          func(o *sepm.Options) { o.NoV2 = true },
	}, func(t *testing.T, o sepm.Options) {
		twoDomains(&o)
		b := standIn(t, o)
		there := b.sepm.AddList(sepm.List{Name: "list", Domain: secondDomain, Hashes: []sepm.Hashes{{MD5: md5Of("a")}}})
		got, err := b.client.FingerprintListByName(t.Context(), "list", secondDomain.ID)
		require.NoError(t, err)
		require.Equal(t, there, got.ID)
		_, err = b.client.FingerprintListByName(t.Context(), "list", "")
		require.ErrorIs(t, err, sepclient.ErrNotFound, "it is none of the login's domain")

		list := sepclient.FingerprintList{Name: "new", Files: []sepclient.ListedFile{{MD5: md5Of("a")}}}
		for domain, want := range map[string]string{"": sepm.DefaultDomainID, secondDomain.ID: secondDomain.ID} {
			list.DomainID = domain
			made, err := b.client.CreateFingerprintList(t.Context(), list)
			require.NoError(t, err)
			require.Equal(t, want, b.held(t, made).Domain.ID)
		}
		_, err = b.client.EditFingerprintList(t.Context(), there, secondDomain.ID, sepclient.ListEdit{Add: []string{md5Of("b")}})
		require.NoError(t, err)
		require.Equal(t, secondDomain.ID, b.held(t, there).Domain.ID)

		before := b.sepm.Lists()
		list.DomainID = "Third"
		for _, call := range []func() error{
			func() error { _, err := b.client.FingerprintListByName(t.Context(), "list", "Third"); return err },
			func() error { _, err := b.client.CreateFingerprintList(t.Context(), list); return err },
			func() error {
				_, err := b.client.EditFingerprintList(t.Context(), there, "Third", sepclient.ListEdit{Add: []string{md5Of("c")}})
				return err
			},
			func() error {
				_, err := b.client.Policies(t.Context(), sepclient.PolicyQuery{DomainID: "Third"})
				return err
			},
		} {
			err := call()
			requireClass(t, sepclient.Permanent, err)
			require.ErrorContains(t, err, "The domain Third does not exist.", "SEPM's own reason")
		}
		require.Equal(t, before, b.sepm.Lists())
		_, err = b.client.Group(t.Context(), b.sepm.Groups()[0].ID, id("9"))
		require.ErrorIs(t, err, sepclient.ErrNotFound)
	})
}

// Sixteen writers at once lose nothing of each other's, nor of what somebody
// adds in the console meanwhile.
func TestStandInTakesManyWriters(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{"no v2": func(o *sepm.Options) { o.NoV2 = true }}, func(t *testing.T, o sepm.Options) {
		b := standIn(t, o)
		listID := b.sepm.AddList(sepm.List{Name: "list", Hashes: []sepm.Hashes{{MD5: md5Of("first")}}})
		want := []string{md5Of("first")}
		var wg sync.WaitGroup
		for i := range 16 {
			hash := md5Of(fmt.Sprint(i))
			want = append(want, hash)
			wg.Go(func() {
				if _, err := b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{Add: []string{hash}}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.ElementsMatch(t, want, mapped(b.held(t, listID).Hashes, func(h sepm.Hashes) string { return h.MD5 }))

		read := 0
		b.sepm.Before("GET /policy-objects/fingerprints/{id}", func() {
			if read++; read == 2 { // the list was written and is read again
				b.sepm.ChangeList(listID, func(l *sepm.List) { l.Hashes = append(l.Hashes, sepm.Hashes{MD5: md5Of("person")}) })
			}
		})
		change, err := b.client.EditFingerprintList(t.Context(), listID, "", sepclient.ListEdit{Add: []string{md5Of("last")}})
		require.NoError(t, err)
		require.True(t, change.Interfered)
		want = append(want, md5Of("last"), md5Of("person"))
		require.ElementsMatch(t, want, mapped(b.held(t, listID).Hashes, func(h sepm.Hashes) string { return h.MD5 }))
		requireList(t, b, change.List)
	})
}
