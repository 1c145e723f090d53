// Package ur carries bytes by pictures: as frames of text (Uniform Resources, BCR-2020-005, and the byte words of
// BCR-2020-012), one for a code that stands still or several for an animated one, and as the codes' images (PNG, GIF).
//
// Banknotes (NUT-16) and offline purses show what they give by it. It is pure but for the images' compression, imports
// no room of the project, and is fuzzed: frames come from whatever stands before a camera.
package ur
