package sepm

import (
	"crypto/md5" //nolint:gosec // ids that look like SEPM's, not a secret
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// hexID makes an object id in SEPM's form (contract: A2) that is always the
// same for the same thing.
func hexID(kind, name string) string {
	return strings.ToUpper(fmt.Sprintf("%x", md5.Sum([]byte(kind+"\x00"+name)))) //nolint:gosec // see above
}

// fleetEpoch is when a fleet was last heard of; fixed, so that equal seeds
// make equal fleets.
var fleetEpoch = time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)

// Fleet makes n computers with unique names and ids: three quarters Windows,
// the rest macOS and Linux, in a few groups; some offline, infected, with
// Host Integrity disabled, or with several addresses. Equal seeds make equal
// fleets, and a larger fleet begins with the smaller one.
func Fleet(seed int64, n int) []Computer {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x5e9)) //nolint:gosec // a fleet, not a secret
	groups := []string{`My Company\Default Group`, `My Company\Workstations`, `My Company\Workstations\Laptops`, `My Company\Servers`, `My Company\Linux`}
	const inheriting = 2 // has its policies from the group above
	kinds := []struct {
		os, prefix string
		group      int
		weight     int
	}{
		{"Win10", "WKS", 1, 30}, {"Win11", "LAP", 2, 30}, {"Win2K19", "SRV", 3, 10}, {"Win2K22", "SRV", 3, 5},
		{"MacOSX", "MAC", 0, 13}, {"Ubuntu", "LNX", 4, 7}, {"RedHat", "LNX", 4, 5},
	}
	fleet := make([]Computer, 0, n)
	for i := range n {
		lot := rng.IntN(100)
		kind := kinds[0]
		for _, k := range kinds {
			if kind = k; lot < k.weight {
				break
			}
			lot -= k.weight
		}
		c := Computer{
			Name:        fmt.Sprintf("%s-%05d", kind.prefix, i+1),
			ID:          hexID("computer", fmt.Sprint(seed, i)),
			HardwareKey: hexID("hardware", fmt.Sprint(seed, i)),
			Group:       Group{ID: hexID("group", groups[kind.group]), Name: groups[kind.group], Inherits: kind.group == inheriting},
			OS:          kind.os,
			IPs:         []string{address(i, 10)},
			MACs:        []string{mac(rng)},
			User:        fmt.Sprintf("user%05d", i+1),
			Offline:     rng.IntN(8) == 0,
			Infected:    rng.IntN(25) == 0,
			LastUpdate:  fleetEpoch.Add(-time.Duration(rng.IntN(6*3600)) * time.Second),
			LastScan:    fleetEpoch.Add(-time.Duration(rng.IntN(7*24*3600)) * time.Second),
		}
		if rng.IntN(3) == 0 {
			c.Integrity = IntegrityPassed
		} else if rng.IntN(20) == 0 {
			c.Integrity = IntegrityFailed
		}
		if rng.IntN(5) == 0 {
			// A second adapter; SEPM lists a MAC once for each address (A10).
			c.IPs = append(c.IPs, address(i, 172), fmt.Sprintf("fe80::%x:%x", i>>16&0xffff, i&0xffff))
			c.MACs = append(c.MACs, mac(rng), c.MACs[0])
		}
		if c.Infected {
			c.LastVirus = c.LastScan
		}
		if rng.IntN(10) == 0 {
			// Policy switched these off: not a failure, and often taken for one.
			c.Engines = map[string]int{"apOnOff": 3, "daOnOff": 3}
		}
		fleet = append(fleet, c)
	}
	return fleet
}

// Stale makes a stale record of one in so many computers of a fleet, as SEPM
// keeps them: the name and hardware key of the other, an id of its own, and not
// heard of for a month (contract: A10).
func Stale(fleet []Computer, oneIn int) []Computer {
	var stale []Computer
	for i, c := range fleet {
		if i%oneIn == 0 {
			c.ID, c.Offline, c.LastUpdate = hexID("stale", c.ID), true, c.LastUpdate.AddDate(0, -1, 0)
			stale = append(stale, c)
		}
	}
	return stale
}

func address(i, first int) string {
	second := i>>16&0x0f + 16
	return fmt.Sprintf("%d.%d.%d.%d", first, second, i>>8&0xff, i&0xff)
}

func mac(rng *rand.Rand) string {
	n := rng.Uint64()
	return fmt.Sprintf("02-%02X-%02X-%02X-%02X-%02X", n&0xff, n>>8&0xff, n>>16&0xff, n>>24&0xff, n>>32&0xff)
}

// newHexID makes an object id that nobody can guess.
func newHexID() string {
	return strings.ToUpper(strings.ReplaceAll(newUUID(), "-", ""))
}
