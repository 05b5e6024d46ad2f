"""A search whose measure is a training loop of one's own, on scikit-learn's digits.

    python own_task.py

searches four networks and prints the front. A study file that names ``own_task:measure`` does the
same by ``kwsearch search``; the page on measures of one's own has it.
"""

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy

import kwsearch

STUDY = {
    "name": "own-task",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": {"low": 0.25, "high": 2.0, "log": True},
    },
    "task": {"input": [1, 8, 8], "outputs": 10, "epochs": [1, 3]},
    "baselines": {"seeds": 1, "networks": []},
    "search": {"trials": 4},
}


def digits():
    """Images and labels to learn from, and every fifth of them to measure on."""
    pixels, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
    images = pixels.float().reshape(-1, 1, 8, 8) / 16
    held_out = torch.arange(len(labels)) % 5 == 0
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def measure(network, report):
    """Train a network that kwsearch has built, and say after each epoch what it reaches."""
    images, labels, unseen, answers = digits()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(1, 4):
        network.train()
        for batch in torch.randperm(len(images)).split(64):
            loss = cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            right = (network(unseen).argmax(1) == answers).float().mean()
        if not report(epoch, accuracy=right, images=len(answers)):
            return


def tell(progress):
    """Say how the search stands after a trial."""
    print(f"trial {progress.last.number}: best so far {progress.best_accuracy}")


if __name__ == "__main__":
    study = kwsearch.search(STUDY, task=measure, callbacks=[tell])
    print(study.front[["trial", "params", "accuracy", "accuracy_error"]])
    print(study.best["config"])
