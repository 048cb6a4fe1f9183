"""What variances of the same pixels share on all days, and how those of a day come of it.

Pixels are taken by squares between the middles of four sub-cells, whose weights w in a pixel sum to 1.  With
A the terms of a pixel along r directions, and t and B of sub-cells,

    sum_k w_k t_k + |f A - sum_k w_k B_k|^2
        = f^2 |A|^2 + sum_kl w_k w_l (t_k + B_k B_l) - 2 f sum_k w_k A B_k,

so that a square is one product of matrices, [A, w] [-2 f B'; t + B B'], times w.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Squares:
    """Pixels in the order of the squares that they lie in.

    Attributes
    ----------
    pixels : int32, shape (n,)
        Which they are among all.
    begins : int32, shape (squares + 1,)
        Where those of each square begin.
    corners : int32, shape (squares, 4)
        The flat numbers of its sub-cells.
    """

    pixels: np.ndarray
    begins: np.ndarray
    corners: np.ndarray

    def take(self, mask: np.ndarray) -> tuple[Squares, np.ndarray]:
        """Those of a mask over all pixels, called as they are among those of the mask, and which they are."""
        kept = mask[self.pixels]
        begins = np.concatenate([[0], np.cumsum(kept)])[self.begins].astype(np.int32)
        numbers = np.cumsum(mask, dtype=np.int32) - 1
        return Squares(numbers[self.pixels[kept]], begins, self.corners), kept


def squares_of(places: np.ndarray, weights: np.ndarray, pixels: np.ndarray) -> tuple[Squares, np.ndarray]:
    """Pixels by squares, and the weights of the corners of each in that order: float32, shape (n, 4).

    Parameters
    ----------
    places : int32, shape (n, 4)
        The sub-cells that pixels lie between, the upper left one first.
    weights : float64, shape (n, 4)
    pixels : int, shape (n,)
        What the pixels are called.
    """
    order = np.argsort(places[:, 0], kind="stable")
    begins = np.flatnonzero(np.diff(places[order, 0], prepend=-1))
    ends = np.append(begins, len(order)).astype(np.int32)
    squares = Squares(pixels[order].astype(np.int32), ends, places[order[begins]])
    return squares, weights[order].astype(np.float32)


def variance_of(
    squares: Squares, seen: np.ndarray, lengths: np.ndarray, factor: float, image: np.ndarray
) -> np.ndarray:
    """t and |f A - B|^2 of pixels: float32, shape (n,), see above.

    Parameters
    ----------
    squares : Squares
    seen : float32, shape (n, r + 4)
        A and w.
    lengths : float32, shape (n,)
        |A|^2.
    factor : float
    image : float32, shape (sub-cells, 1 + r)
        t and B.
    """
    b = image[squares.corners, 1:]
    own = b @ b.transpose(0, 2, 1) + image[squares.corners, 0][:, None, :]
    both = np.concatenate([np.float32(-2.0 * factor) * b.transpose(0, 2, 1), own], axis=1)
    found, begins = np.empty((len(seen), 4), np.float32), squares.begins.tolist()
    for begin, end, one in zip(begins, begins[1:], both):
        np.matmul(seen[begin:end], one, out=found[begin:end])
    total: np.ndarray = np.einsum("ij,ij->i", found, seen[:, -4:])
    total += np.float32(factor**2) * lengths
    return np.maximum(total, np.float32(0.0), out=total)


@dataclass(frozen=True, eq=False)
class Sure:
    """What the variances of some pixels share on all days, in one window.

    Attributes
    ----------
    window : int
    squares : Squares
    weight : float32, shape (n,), or None
        Share that the window has in each pixel; None: it is alone.
    known : float32, shape (n,)
        Variance that hangs on no day.
    seen : float32, shape (n, r + 4)
        Terms that hang on a day, along r directions, before it is known; and weights of the corners.
    lengths : float32, shape (n,)
        Squares of those terms.
    z : float32, shape (n, p), or None
        Standard static covariates, where there are dated ones.
    mean_dated : float32, shape (n, q), or None
        The training dates' mean of the standard dated covariates.
    """

    window: int
    squares: Squares
    weight: np.ndarray | None
    known: np.ndarray
    seen: np.ndarray
    lengths: np.ndarray
    z: np.ndarray | None
    mean_dated: np.ndarray | None

    def take(self, mask: np.ndarray) -> Sure:
        """Those of a mask over all pixels: bool."""
        squares, kept = self.squares.take(mask)

        def own(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[kept]

        return replace(
            self,
            squares=squares,
            weight=own(self.weight),
            known=self.known[kept],
            seen=self.seen[kept],
            lengths=self.lengths[kept],
            z=own(self.z),
            mean_dated=own(self.mean_dated),
        )

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        one = self.squares
        arrays = (one.pixels, one.begins, one.corners, self.weight, self.known, self.seen, self.lengths)
        return sum(own.nbytes for own in (*arrays, self.z, self.mean_dated) if own is not None)
