// Package agent lets toban ask from other places: `toban agent` runs there, and
// Door is where it comes in at the core.
//
// An agent asks the core every few seconds what there is to ask from its location,
// asks it on time by itself, and sends what came back as remote write: the samples
// that the core's own checks make, each probe_success with an exemplar that says
// why. It decides nothing. While the core is away it goes on with the list that it
// has.
//
// Its key says which location it speaks for, and is good for nothing else. No
// secret of the core's goes to an agent: modules carry references, and an agent
// reads those that it was started with and no others.
package agent
